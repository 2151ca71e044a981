"""What operations cost over HTTP, and what is answered when a budget is spent."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from api.transport.documents.documents import hash_of
from api.transport.limits.live import HEAVY_MAX
from api.transport.terms.settings import DocumentLimits, Rate, RootFieldRate, TransportSettings
from tests.api.transport.conftest import ADMIN, ClientOf
from tests.api.transport.http.posting import NEW, OLD, code, post


def test_charges_the_nodes_a_query_may_return(client: TestClient) -> None:
    query = "{ budget { cost nodeCount remaining } houses(first: 40) { edges { cursor } } }"

    answer = post(client, query, headers=ADMIN).json()

    assert answer["data"]["budget"] == {"cost": 40, "nodeCount": 40, "remaining": 50_000 - 40}
    assert answer["extensions"] == {"cost": 40}


def small_budget(**more: Any) -> TransportSettings:
    rate = Rate(capacity=10, refill_per_s=0.01)
    return TransportSettings(limits=DocumentLimits(nodes=10), rate=rate, anonymous_rate=rate, **more)


@pytest.mark.parametrize("accept", [NEW, OLD])
def test_refuses_with_429_when_the_budget_is_spent(client_of: ClientOf, accept: str) -> None:
    client = client_of(small_budget())
    query = "{ houses(first: 6) { edges { cursor } } }"

    assert post(client, query, accept=accept).status_code == 200
    refused = post(client, query, accept=accept)
    of_another = post(client, query, accept=accept, headers=ADMIN)

    assert refused.status_code == 429
    assert code(refused) == "RATE_LIMITED"
    assert "data" not in refused.json()
    wait = refused.json()["errors"][0]["extensions"]["retryAfter"]
    assert 190 <= wait <= 200
    assert refused.headers["retry-after"] == str(wait)
    assert of_another.status_code == 200


@pytest.mark.parametrize("query", ["{ nothing }", "{ ", "{ houses(first: 11) { edges { cursor } } }"])
def test_refused_documents_are_not_free(client_of: ClientOf, query: str) -> None:
    client = client_of(small_budget())

    for _ in range(10):
        post(client, query)

    assert post(client, "{ hello }").status_code == 429


def log_in(email: str, alias: str = "a") -> str:
    return f'{alias}: logIn(input: {{email: "{email}", password: "wrong"}}) {{ accessToken }}'


def test_guesses_are_counted_per_root_field_and_account(client_of: ClientOf) -> None:
    guesses = RootFieldRate(("input", "email"), per_account=Rate(3, 0.001), per_address=Rate(5, 0.001))
    client = client_of(TransportSettings(root_field_rates={"logIn": guesses}))

    three_at_once = "mutation { " + " ".join(log_in("A@x.org", f"a{at}") for at in range(3)) + " }"
    assert post(client, three_at_once).status_code == 200
    same_account = post(client, "mutation { " + log_in(" a@X.org") + " }")
    other_account = post(client, "mutation { " + log_in("b@x.org") + " }")
    address_spent = post(client, "mutation { " + log_in("c@x.org") + " }")

    assert (same_account.status_code, code(same_account)) == (429, "RATE_LIMITED")
    assert same_account.json()["errors"][0]["extensions"]["field"] == "logIn"
    assert other_account.status_code == 200
    assert address_spent.status_code == 429


A = '{email: "a@x.org", password: "wrong"}'
SPELLINGS: dict[str, tuple[str, dict[str, Any]]] = {
    "literals": (f"mutation {{ logIn(input: {A}) {{ accessToken }} }}", {}),
    "aliases": (f"mutation {{ b: logIn(input: {A}) {{ accessToken }} }}", {}),
    "another case and blanks": (
        'mutation { logIn(input: {email: " A@x.ORG ", password: "wrong"}) { accessToken } }',
        {},
    ),
    "a block string": ('mutation { logIn(input: {email: """a@x.org""", password: "wrong"}) { accessToken } }', {}),
    "a variable of an input": (
        "mutation M($i: LogInInput!) { logIn(input: $i) { accessToken } }",
        {"i": {"email": "a@x.org", "password": "wrong"}},
    ),
    "a variable in an input": (
        'mutation M($e: String!) { logIn(input: {email: $e, password: "wrong"}) { accessToken } }',
        {"e": "a@x.org"},
    ),
    "a default of a variable": (f"mutation M($i: LogInInput! = {A}) {{ logIn(input: $i) {{ accessToken }} }}", {}),
    "a default in an input": (
        'mutation M($e: String! = "a@x.org") { logIn(input: {email: $e, password: "wrong"}) { accessToken } }',
        {},
    ),
    "fragments": (
        f"mutation {{ ...F }} fragment F on Mutation {{ ... on Mutation {{ logIn(input: {A}) {{ accessToken }} }} }}",
        {},
    ),
    "variables nobody asked for": (
        f"mutation {{ logIn(input: {A}) {{ accessToken @include(if: true) }} }}",
        {"input": {"email": "b@x.org"}},
    ),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_guesses_count_however_the_document_spells_the_account(client_of: ClientOf, spelling: str) -> None:
    guesses = RootFieldRate(("input", "email"), per_account=Rate(2, 0.001), per_address=Rate(50, 0.001))
    text, variables = SPELLINGS[spelling]
    client = client_of(TransportSettings(root_field_rates={"logIn": guesses}), trusted_documents={hash_of(text): text})

    first = post(client, "mutation { " + log_in("a@x.org") + " }").status_code
    asked = {"documentId": hash_of(text), "variables": variables}
    statuses = [
        post(client, text, variables=variables).status_code,
        client.post("/graphql", json=asked).status_code,
        post(client, "mutation { " + log_in("b@x.org") + " }").status_code,
    ]

    assert [first, *statuses] == [200, 200, 429, 200]


def test_a_page_size_counts_however_it_is_spelled(client: TestClient) -> None:
    text = "query Q($n: Int) { budget { cost } houses(first: $n) { edges { cursor } } }"

    costs = [post(client, text, variables={"n": n}).json()["data"]["budget"]["cost"] for n in (40, 40.0)]

    assert costs == [40, 40]


@pytest.mark.parametrize(("values", "cost"), [(0, 10), (1, 11), (9_999, 1_010), (99_900, 10_000)])
def test_charges_the_values_a_query_reads(client: TestClient, values: int, cost: int) -> None:
    answer = post(client, f"{{ consumption(values: {values}) }}")

    assert answer.json() == {"data": {"consumption": values}, "extensions": {"cost": cost}}
    assert answer.headers["ratelimit"].startswith(f'"default";r={10_000 - cost};')


def test_refuses_with_429_when_the_values_are_more_than_the_budget_has_left(client: TestClient) -> None:
    query = "{ consumption(values: 60000) }"

    assert post(client, query).status_code == 200
    refused = post(client, query)

    assert (refused.status_code, code(refused)) == (429, "RATE_LIMITED")
    assert 0 < int(refused.headers["retry-after"]) <= 21


def test_what_costs_more_than_a_full_budget_is_too_complex(client: TestClient) -> None:
    query = "{ consumption(values: 100000) }"

    assert code(post(client, query)) == "QUERY_TOO_COMPLEX"
    assert post(client, query, headers=ADMIN).status_code == 200


def test_a_caller_has_few_heavy_operations_under_way(client: TestClient) -> None:
    live = client.app.state.live  # type: ignore[attr-defined]
    key = "address:testclient"
    heavy, light = "{ consumption(values: 1000) }", "{ consumption(values: 100) }"
    for _ in range(HEAVY_MAX):
        live.take_heavy(key)

    refused = post(client, heavy)
    passed = [post(client, light).status_code, post(client, heavy, headers=ADMIN).status_code]
    live.give_heavy_back(key)
    again = [post(client, heavy).status_code for _ in range(2)]

    assert (refused.status_code, code(refused), refused.headers["retry-after"]) == (429, "RATE_LIMITED", "2")
    assert passed == [200, 200]
    assert again == [200, 200]
    assert live.heavy.total() == HEAVY_MAX - 1


def test_a_mutation_is_no_way_to_read_heavily(client: TestClient) -> None:
    assert code(post(client, "mutation { renameAll }", headers=ADMIN)) == "QUERY_TOO_COMPLEX"


def test_new_documents_are_limited_by_their_length_and_known_ones_are_not(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(limits=DocumentLimits(nodes=60), anonymous_rate=Rate(60, 0.001)))
    texts = [f"{{ hello # {number} {'x' * 990}\n}}" for number in range(6)]

    first = [post(client, text).status_code for text in texts]
    known = post(client, texts[0])
    of_another = post(client, texts[5], headers=ADMIN)

    assert first == [200] * 5 + [429]
    assert (known.status_code, of_another.status_code) == (200, 200)
