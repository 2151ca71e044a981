"""Queries by GET: what they may do, how long their answers may be kept, and documents by their hashes."""

import hashlib
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.transport.terms.settings import TransportSettings
from tests.api.transport.conftest import ADMIN, ClientOf
from tests.api.transport.http.posting import NEW, code, post

TEXT = "query Hello { hello }"
HASH = hashlib.sha256(TEXT.encode()).hexdigest()
TRUSTED = {HASH: TEXT}
BY_HASH = {"persistedQuery": {"version": 1, "sha256Hash": HASH}}


def get(client: TestClient, query: str | None = None, headers: dict[str, str] | None = None, **more: Any) -> Any:
    parameters = {name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()}
    if query is not None:
        parameters["query"] = query
    return client.get("/graphql", params=parameters, headers={"Accept": NEW, **(headers or {})})


# ---- what a GET may do


def test_a_get_is_answered_as_a_post_is(client: TestClient) -> None:
    text, variables = "query A { hello } query B($name: String!) { hello(name: $name) }", {"name": "Esch"}

    by_get = get(client, text, variables=variables, operationName="B")

    assert by_get.json() == post(client, text, variables=variables, operationName="B").json()
    assert by_get.json()["data"] == {"hello": "hello Esch"}
    assert client.head("/graphql", params={"query": "{ hello }"}).status_code == 200


@pytest.mark.parametrize("accept", [NEW, "application/json", "text/event-stream"])
def test_a_get_changes_nothing(client_of: ClientOf, accept: str) -> None:
    text = 'mutation { rename(name: "x") }'
    id_ = hashlib.sha256(text.encode()).hexdigest()
    client = client_of(trusted_documents={id_: text})

    for asked in ({"query": text}, {"documentId": id_}, {"query": f"query Q {{ hello }} {text}", "operationName": ""}):
        response = client.get("/graphql", params=asked, headers={"Accept": accept})

        assert "rename" not in response.text
        if "stream" not in accept and "operationName" not in asked:
            assert (response.status_code, response.headers["allow"]) == (405, "POST")
            assert code(response) == "METHOD_NOT_ALLOWED"
            assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "asked",
    [{}, {"query": ""}, {"query": "{"}, {"query": "{ hello }", "variables": "x"},
     {"query": "{ hello }", "variables": "[]"}, {"query": "{ hello }", "extensions": "1"},
     {"query": "subscription { count(to: 1) }"}],
)  # fmt: skip
def test_a_wrong_get_is_told_so_and_not_kept(client: TestClient, asked: dict[str, str]) -> None:
    response = client.get("/graphql", params=asked, headers={"Accept": NEW})

    assert response.status_code == 400
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


# ---- how long an answer may be kept


def test_what_nobody_in_particular_asks_for_may_be_kept_by_anybody(client: TestClient) -> None:
    response = get(client, "{ hello }")

    assert response.headers["cache-control"] == "public, max-age=10"
    assert {"Accept", "Authorization", "Origin"} <= set(response.headers["vary"].split(", "))


def test_what_somebody_asks_for_is_kept_by_nobody_else(client: TestClient) -> None:
    response = get(client, "{ hello }", ADMIN)

    assert response.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in response.headers["vary"]


def test_what_is_the_callers_own_is_not_public_where_nobody_signed_in(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(root_fields_of_caller=frozenset({"hello"})))

    own = get(client, "{ again: hello }")

    assert own.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize("query", ["{ broken }", "{ hello forbidden }", "{ requiredButMissing }"])
def test_answers_with_errors_are_not_kept(client: TestClient, query: str) -> None:
    response = get(client, query)

    assert response.json()["errors"]
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


@pytest.mark.parametrize("headers", [{}, ADMIN])
def test_posts_are_not_kept(client: TestClient, headers: dict[str, str]) -> None:
    response = post(client, "{ hello }", headers=headers)

    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


@pytest.mark.parametrize("known", ["{}", '"other", {}', "*", "W/{}"])
def test_who_has_an_answer_is_not_sent_it_again(client: TestClient, known: str) -> None:
    first = get(client, "{ hello }", ADMIN)
    tag = first.headers["etag"]
    assert tag.startswith('W/"')

    again = get(client, "{ hello }", {**ADMIN, "If-None-Match": known.format(tag.removeprefix("W/"))})

    assert (again.status_code, again.content) == (304, b"")
    for name in ("etag", "cache-control", "vary"):
        assert again.headers[name] == first.headers[name]
    assert "ratelimit" in again.headers, "it was asked, and costs"


def test_a_tag_is_of_what_is_answered(client: TestClient) -> None:
    tag = get(client, "{ hello }", ADMIN).headers["etag"]

    other = get(client, '{ hello(name: "Esch") }', {**ADMIN, "If-None-Match": tag})

    assert other.status_code == 200
    assert other.headers["etag"] != tag


# ---- documents by their hashes


def test_takes_a_trusted_document_by_its_id(client_of: ClientOf) -> None:
    client = client_of(trusted_documents=TRUSTED)

    answers = [
        post(client, extensions=BY_HASH),
        post(client, documentId=f"sha256:{HASH}"),
        get(client, documentId=HASH),
        get(client, extensions=BY_HASH, variables={}),
    ]

    assert [answer.json()["data"] for answer in answers] == [{"hello": "hello world"}] * 4


@pytest.mark.parametrize(
    ("trusted", "named", "message"),
    [
        ({}, "PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported"),
        ({"0" * 64: "{ hello }"}, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound"),
    ],
)
def test_an_unknown_hash_is_answered_as_apollo_expects(
    client_of: ClientOf, trusted: dict[str, str], named: str, message: str
) -> None:
    client = client_of(trusted_documents=trusted)

    for response in (post(client, extensions=BY_HASH), get(client, extensions=BY_HASH)):
        assert (response.status_code, code(response)) == (200, named)
        assert response.json()["errors"][0]["message"] == message
        assert response.headers["cache-control"] == "no-store"


def test_a_text_with_its_hash_runs_and_is_not_remembered(client: TestClient) -> None:
    with_text = post(client, TEXT, extensions=BY_HASH)

    assert with_text.json()["data"] == {"hello": "hello world"}
    assert code(post(client, extensions=BY_HASH)) == "PERSISTED_QUERY_NOT_SUPPORTED"
    assert code(post(client, "{ hello }", extensions=BY_HASH)) == "BAD_USER_INPUT"
