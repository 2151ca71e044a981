"""GraphQL over HTTP: what is answered, with which status, type and headers."""

import asyncio
import hashlib
import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.transport.terms.settings import TransportSettings
from tests.api.transport import small_app
from tests.api.transport.conftest import ADMIN, ClientOf
from tests.api.transport.http.posting import NEW, OLD, code, post
from tests.api.transport.small_schema import SLOW

LONG_AGO = "query Hello { hello }"
TRUSTED = {hashlib.sha256(LONG_AGO.encode()).hexdigest(): LONG_AGO}


def test_answers_a_query(client: TestClient) -> None:
    response = post(client, "query Q($name: String!) { hello(name: $name) }", variables={"name": "Esch"})

    assert response.status_code == 200
    assert response.json() == {"data": {"hello": "hello Esch"}, "extensions": {"cost": 1}}
    assert response.headers["content-type"] == f"{NEW}; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "Accept" in response.headers["vary"]
    assert response.headers["ratelimit-policy"] == '"default";q=10000;w=100'
    assert response.headers["ratelimit"].startswith('"default";r=9999;t=')


def test_answers_a_mutation(client: TestClient) -> None:
    assert post(client, 'mutation { rename(name: "Pins") }').json()["data"] == {"rename": "Pins"}


MALFORMED: dict[str, bytes] = {
    "nothing": b"",
    "not JSON": b"{query",
    "invalid UTF-8": b'{"query": "{ hello(name: \\"\xff\\") }"}',
    "null": b"null",
    "a number": b"1",
    "a string": b'"x"',
    "a batch": b'[{"query": "{ hello }"}]',
    "an empty batch": b"[]",
    "60,000 levels": b'{"variables": ' + b"[" * 60_000 + b"]" * 60_000 + b"}",
    "no query": b"{}",
    "an empty query": b'{"query": ""}',
    "a null query": b'{"query": null}',
    "a query that is a number": b'{"query": 1}',
    "variables that are a list": b'{"query": "{ hello }", "variables": []}',
    "variables that are text": b'{"query": "{ hello }", "variables": "{}"}',
    "an operation name that is a number": b'{"query": "{ hello }", "operationName": 7}',
    "extensions that are text": b'{"query": "{ hello }", "extensions": "x"}',
    "a persisted query that is a number": b'{"extensions": {"persistedQuery": 5}}',
    "a document id that is a number": b'{"documentId": 5}',
    "a document id of another text": b'{"query": "{ hello }", "documentId": "sha256:00"}',
    "an unknown operation name": b'{"query": "query A { hello }", "operationName": "B"}',
    "NaN": b'{"query": "{ hello }", "variables": {"n": NaN}}',
    "a subscription": b'{"query": "subscription { count(to: 1) }"}',
    "only a fragment": b'{"query": "fragment F on Query { hello }"}',
}


@pytest.mark.parametrize("accept", [NEW, OLD])
@pytest.mark.parametrize("name", MALFORMED)
def test_refuses_a_malformed_request_with_400(client: TestClient, name: str, accept: str) -> None:
    headers = {"Content-Type": "application/json", "Accept": accept}

    response = client.post("/graphql", content=MALFORMED[name], headers=headers)

    assert response.status_code == 400
    assert "data" not in response.json()
    assert code(response) == "BAD_USER_INPUT"
    assert response.headers["content-type"].startswith(accept)
    assert response.headers["x-request-id"]


DOCUMENTS = {
    "{ hello ": "GRAPHQL_PARSE_FAILED",
    "{ " + "hello " * 1600 + "}": "QUERY_TOO_COMPLEX",
    "{ hello(name: " + "[" * 700 + "]" * 700 + ") }": "QUERY_TOO_DEEP",
    "{ nothing }": "GRAPHQL_VALIDATION_FAILED",
    "query Q($n: Int!) { slow(seconds: $n) }": "GRAPHQL_VALIDATION_FAILED",
    "{ " + " ".join(["hello"] * 21) + " }": "QUERY_TOO_COMPLEX",
    "{ hello " + "@skip(if: false) " * 11 + "}": "TOO_MANY_DIRECTIVES",
    "{ houses(first: 10001) { edges { cursor } } }": "QUERY_TOO_COMPLEX",
    "query A { hello } query B { hello }": "BAD_USER_INPUT",
    "query Q($name: String!) { hello(name: $name) }": "BAD_USER_INPUT",
    "query Q($n: Int = 3) { houses(first: $n, first: $n) { edges { cursor } } }": "GRAPHQL_VALIDATION_FAILED",
}


@pytest.mark.parametrize("query", DOCUMENTS)
def test_a_document_that_did_not_run_has_no_data(client: TestClient, query: str) -> None:
    new, old = post(client, query), post(client, query, accept=OLD)

    assert (new.status_code, old.status_code) == (400, 200)
    assert code(new) == code(old) == DOCUMENTS[query]
    assert "data" not in new.json()
    assert "data" not in old.json()


def test_limits_tell_the_limit_and_the_value(client: TestClient) -> None:
    error = post(client, "{ houses(first: 10001) { edges { cursor } } }").json()["errors"][0]

    assert error["extensions"] == {"code": "QUERY_TOO_COMPLEX", "limit": 10000, "value": 10001}


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        ("", OLD),
        ("*/*", OLD),
        ("application/*", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD}", NEW),
        (f"{OLD}, {NEW}", OLD),
        (f"{OLD};q=0.5, {NEW};q=0.9", NEW),
        (f"{NEW};q=0.1, */*", OLD),
        (f"{NEW};q=nonsense", OLD),
        ("text/html", OLD),
        # What urql sends with every query.
        (f"{NEW}, application/graphql+json, {OLD}, text/event-stream, multipart/mixed", NEW),
        (f"{OLD}, text/event-stream", OLD),
        ("text/event-stream, application/json;q=0.9", "text/event-stream"),
        ("text/event-stream, */*", "text/event-stream"),
        ("text/event-stream;q=0, application/json", OLD),
    ],
)
def test_negotiates_the_media_type(client: TestClient, accept: str, answered: str) -> None:
    response = post(client, "{ hello }", accept=accept)

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{answered}; charset=utf-8"


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/graphql", "application/json; charset=latin1"])
def test_takes_json_only(client: TestClient, content_type: str) -> None:
    response = client.post("/graphql", content=b'{"query": "{ hello }"}', headers={"Content-Type": content_type})

    assert response.status_code == 415
    assert code(response) == "UNSUPPORTED_MEDIA_TYPE"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_told_which_ones_are_taken(client: TestClient, method: str) -> None:
    response = client.request(method, "/graphql?query={hello}")

    assert response.status_code == 405
    assert response.headers["allow"] == "GET, HEAD, POST"
    assert code(response) == "METHOD_NOT_ALLOWED"


def test_strict_mode_runs_trusted_documents_only(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(trusted_documents_only=True), trusted_documents=TRUSTED)

    assert post(client, documentId=next(iter(TRUSTED))).status_code == 200
    refused = post(client, "{ hello }")
    assert refused.status_code == 403
    assert code(refused) == "FORBIDDEN"


@pytest.mark.parametrize("authorization", ["Bearer nobody-has-this", "Basic YTpi", "Bearer ", "Bearer"])
def test_refuses_a_token_nobody_has(client: TestClient, authorization: str) -> None:
    response = post(client, "{ hello }", headers={"Authorization": authorization})

    assert response.status_code == 401
    assert code(response) == "UNAUTHENTICATED"
    assert response.headers["www-authenticate"] == "Bearer"


def test_is_unavailable_while_tokens_cannot_be_checked(client: TestClient) -> None:
    response = post(client, "{ hello }", headers={"Authorization": "Bearer broken-token"})

    assert response.status_code == 503
    assert code(response) == "UNAVAILABLE"
    assert "10.0.0.7" not in response.text


def test_introspection_needs_a_token(client: TestClient) -> None:
    query = "{ __schema { queryType { name } } }"

    assert post(client, query).status_code == 401
    assert post(client, query, headers=ADMIN).json()["data"] == {"__schema": {"queryType": {"name": "Query"}}}


def test_a_null_where_an_argument_takes_none_is_the_callers_fault(client: TestClient) -> None:
    query = 'query Q($name: String = "x") { hello(name: $name) }'

    error = post(client, query, variables={"name": None}).json()["errors"][0]

    assert error["extensions"]["code"] == "BAD_USER_INPUT"


FIELD_ERRORS = {
    "{ broken }": ("INTERNAL", "Unexpected error."),
    "{ forbidden }": ("FORBIDDEN", "You may not read this."),
    "{ unavailable }": ("UNAVAILABLE", "A service this needs cannot be reached; try again."),
    '{ houses(after: "?") { edges { cursor } } }': ("BAD_USER_INPUT", "This cursor is not one of ours."),
    '{ byGlobalId(id: "?") }': ("BAD_USER_INPUT", "This is not an id of this API."),
    "{ requiredButMissing }": ("INTERNAL", "Unexpected error."),
}


@pytest.mark.parametrize("query", FIELD_ERRORS)
def test_an_error_of_a_field_that_ran_is_coded_and_200(client: TestClient, query: str) -> None:
    response = post(client, query)

    error = response.json()["errors"][0]
    assert response.status_code == 200
    assert "data" in response.json()
    assert error["path"]
    assert (error["extensions"]["code"], error["message"]) == FIELD_ERRORS[query]
    assert "hunter2" not in response.text
    assert "10.0.0.7" not in response.text


def test_a_masked_error_is_logged_under_its_id(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    error = post(client, "{ broken }").json()["errors"][0]

    (record,) = [record for record in caplog.records if record.name == "commonwatt.errors"]
    assert record.fields["error_id"] == error["extensions"]["errorId"]  # type: ignore[attr-defined]
    assert record.exc_info is not None
    assert "hunter2" in str(record.exc_info[1])


def test_coded_errors_keep_their_facts(client: TestClient) -> None:
    error = post(client, "{ forbidden }").json()["errors"][0]

    assert error["extensions"] == {"code": "FORBIDDEN", "needs": "ADMIN"}


def test_an_operation_that_takes_too_long_is_stopped(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(operation_seconds_max=0.05))
    before = SLOW.cancelled

    response = post(client, "{ slow(seconds: 30) }")

    assert response.status_code == 503
    assert code(response) == "DEADLINE_EXCEEDED"
    assert "data" not in response.json()
    assert SLOW.cancelled == before + 1


async def test_a_query_nobody_waits_for_is_stopped() -> None:
    built = small_app.build()
    body = json.dumps({"query": "{ slow(seconds: 30) }"}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]
    before = SLOW.cancelled
    scope = {
        "type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.sleep(0.1)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None: ...

    async with asyncio.timeout(5):
        await built.routes[0].app(scope, receive, send)  # type: ignore[attr-defined]

    assert SLOW.cancelled == before + 1


def test_cors_names_the_origins_it_knows(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(allowed_origins=("https://app.example",)))

    def preflight(origin: str) -> Any:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        return client.options("/graphql", headers={**asked, "Access-Control-Request-Headers": "authorization"})

    assert preflight("https://app.example").headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in preflight("https://evil.example").headers
    refused = post(client, "{", headers={"Origin": "https://app.example"})
    assert refused.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-credentials" not in refused.headers


def test_a_wildcard_origin_is_refused_at_start() -> None:
    with pytest.raises(ValueError, match="allowed_origins"):
        TransportSettings(allowed_origins=("*",))


@pytest.mark.parametrize(
    ("given", "is_kept"), [("req-12345678", True), ("short", False), ("bad id with spaces", False), ("x" * 65, False)]
)
def test_request_ids_are_kept_when_well_formed(client: TestClient, given: str, is_kept: bool) -> None:
    answered = post(client, "{ hello }", headers={"X-Request-Id": given}).headers["x-request-id"]

    assert (answered == given) is is_kept
    assert len(answered) >= 8


def test_each_operation_has_its_own_context(client: TestClient) -> None:
    assert [post(client, "{ loaded }").json()["data"]["loaded"] for _ in range(2)] == [1, 1]
