"""Health, metrics, logs and traces: what operators see, and what they must not."""

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from starlette.testclient import TestClient

from api.transport.documents.registered import NAMES_MAX, operation_names
from api.transport.observing import telemetry
from api.transport.terms.logs import JsonLines
from tests.api.transport.conftest import ADMIN, ClientOf

QUERY = "query Named($name: String!) { hello(name: $name) }"


def ask(client: TestClient, query: str = QUERY, **headers: str) -> Any:
    body = {"query": query, "variables": {"name": "private-reading"}}
    return client.post("/graphql", json=body, headers={"X-Request-Id": "request-1", **headers})


def test_is_healthy_while_it_answers(client: TestClient) -> None:
    response = client.get("/healthz")

    assert (response.status_code, response.json()) == (200, {"status": "ok"})


async def fine() -> None: ...


async def failing() -> None:
    raise ConnectionRefusedError("10.0.0.7:5432")


async def hanging() -> None:
    await asyncio.sleep(60)


def test_is_ready_when_all_checks_pass(client_of: ClientOf) -> None:
    response = client_of(ready_checks={"database": fine, "redis": fine}).get("/readyz")

    assert response.status_code == 200
    assert response.json() == {"status": "ready", "mode": "read-write", "checks": {"database": "ok", "redis": "ok"}}


def test_is_not_ready_when_a_check_fails_or_hangs(client_of: ClientOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.transport.http.health.CHECK_SECONDS_MAX", 0.02)

    response = client_of(ready_checks={"database": failing, "outbox": hanging, "redis": fine}).get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"] == {"database": "failed", "outbox": "timed out", "redis": "ok"}
    assert "10.0.0.7" not in response.text


def test_metrics_name_known_operations_only(client_of: ClientOf) -> None:
    client = client_of(known_operations=frozenset({"Named"}))
    ask(client)
    ask(client, QUERY.replace("Named", "Invented"))
    ask(client, "{ nothing }")

    lines = client.get("/metrics").text.splitlines()

    counts = {line for line in lines if line.startswith("graphql_operations_total")}
    name = "graphql_operations_total"
    assert counts == {
        f'{name}{{code="OK",kind="query",operation="Named",transport="http"}} 1.0',
        f'{name}{{code="OK",kind="query",operation="other",transport="http"}} 1.0',
        f'{name}{{code="GRAPHQL_VALIDATION_FAILED",kind="none",operation="other",transport="http"}} 1.0',
    }
    assert "graphql_open_streams 0.0" in lines


def test_metrics_name_the_operations_of_registered_documents(client_of: ClientOf) -> None:
    client = client_of(trusted_documents={"0" * 64: QUERY, "1" * 64: "{ nothing", "2" * 64: "{ anonymous }"})
    ask(client)
    ask(client, QUERY.replace("Named", "Invented"))

    page = client.get("/metrics").text

    assert 'operation="Named"' in page
    assert "Invented" not in page


def test_registered_names_are_bounded() -> None:
    documents = [f"query Named{number:04} {{ a }}" for number in range(NAMES_MAX + 2)]

    names = operation_names([*documents, "query Named0000 { b } mutation Named0001 { c }"])

    assert len(names) == NAMES_MAX
    assert max(names) == f"Named{NAMES_MAX - 1:04}"


def test_metrics_may_ask_for_a_token(client_of: ClientOf) -> None:
    client = client_of(metrics_token="scrape")

    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer scrape"}).status_code == 200


def operations_logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [record.fields for record in caplog.records if record.name == "commonwatt.operations"]  # type: ignore[attr-defined]


def test_logs_an_operation_without_its_variables(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="commonwatt")

    ask(client, **ADMIN)

    (fields,) = operations_logged(caplog)
    milliseconds = fields.pop("milliseconds")
    assert len(fields.pop("document")) == 64
    assert fields == {
        "requestId": "request-1", "actor": "admin-token", "operation": "Named", "kind": "query", "transport": "http",
        "cost": 1, "code": None, "results": 1, "ending": "completed",
    }  # fmt: skip
    assert 0 < milliseconds < 5_000


@pytest.mark.parametrize(
    "query", [QUERY, "{ broken }", '{ hello(name: "private-reading"', '{ nothing(a: "private-reading") }']
)
def test_no_log_quotes_what_the_caller_sent(client: TestClient, caplog: pytest.LogCaptureFixture, query: str) -> None:
    caplog.set_level(logging.DEBUG, logger="commonwatt")
    caplog.set_level(logging.DEBUG, logger="strawberry")

    ask(client, query)

    formatted = [JsonLines().format(record) for record in caplog.records if not record.name.startswith("httpx")]
    assert formatted
    assert "private-reading" not in "".join(formatted)


def test_streams_are_logged_when_they_end(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="commonwatt")

    ask(client, "subscription { count(to: 3) }", Accept="text/event-stream")

    (fields,) = operations_logged(caplog)
    assert (fields["transport"], fields["kind"], fields["results"]) == ("sse", "subscription", 3)


def test_a_log_line_is_json() -> None:
    record = logging.LogRecord("name", logging.WARNING, "file", 1, "%s left", ("two",), None)
    record.fields = {"check": "redis"}

    line = json.loads(JsonLines().format(record))

    assert line.pop("at").endswith("Z")
    assert line == {"level": "warning", "logger": "name", "message": "two left", "check": "redis"}


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans.extend(spans)
        return SpanExportResult.SUCCESS


def test_traces_operations_when_telemetry_is_on(client: TestClient) -> None:
    kept = Kept()
    provider = telemetry.export_to(kept, "commonwatt-test")
    try:
        ask(client)
    finally:
        telemetry.stop_telemetry()
        provider.shutdown()
    ask(client)

    (span,) = kept.spans
    attributes = dict(span.attributes or {})
    assert span.name == "graphql.query"
    assert attributes["commonwatt.request.id"] == "request-1"
    assert attributes["commonwatt.cost"] == 1
    assert "private-reading" not in str(attributes)
