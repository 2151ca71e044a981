"""graphql-transport-ws: who may connect, which frames are refused how, and that nothing is left behind."""

import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from api.transport.limits.live import Live
from api.transport.terms.settings import TransportSettings
from tests.api.transport.conftest import ClientOf

PROTOCOL = ["graphql-transport-ws"]
LONG = "subscription { count(to: 100000, delayMs: 5) }"


def connect(client: TestClient, **more: Any) -> WebSocketTestSession:
    return client.websocket_connect("/graphql", subprotocols=more.pop("subprotocols", PROTOCOL), **more)


def initialise(socket: WebSocketTestSession, token: str | None = "admin-token") -> None:
    payload = {"authorization": f"Bearer {token}"} if token else None
    socket.send_json({"type": "connection_init", "payload": payload})
    assert socket.receive_json() == {"type": "connection_ack"}


def subscribe(socket: WebSocketTestSession, query: str, id: str = "1", **more: Any) -> None:
    socket.send_json({"id": id, "type": "subscribe", "payload": {"query": query, **more}})


def messages_until_end(socket: WebSocketTestSession) -> list[dict[str, Any]]:
    messages = [socket.receive_json()]
    while messages[-1]["type"] == "next":
        messages.append(socket.receive_json())
    return messages


def close_of(socket: WebSocketTestSession) -> tuple[int, str]:
    with pytest.raises(WebSocketDisconnect) as closed:
        drain(socket)
    return closed.value.code, closed.value.reason


def drain(socket: WebSocketTestSession) -> None:
    while True:
        socket.receive_json()


def live_of(client: TestClient) -> Live:
    live: Live = client.app.state.live  # type: ignore[attr-defined]
    return live


def comes_to_nothing(live: Live) -> bool:
    deadline = time.monotonic() + 3
    while live.streams_open or live.connections_open:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return not live.streams and not live.connections


def test_streams_a_subscription(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, "subscription S($to: Int!) { count(to: $to) }", variables={"to": 2}, operationName="S")
        messages = messages_until_end(socket)

    assert [message["type"] for message in messages] == ["next", "next", "complete"]
    assert [message["payload"]["data"] for message in messages[:2]] == [{"count": 1}, {"count": 2}]
    assert comes_to_nothing(live_of(client))


def test_answers_queries_and_mutations(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket, token=None)
        subscribe(socket, "{ hello }")
        query = messages_until_end(socket)
        subscribe(socket, 'mutation { rename(name: "x") }')
        mutation = messages_until_end(socket)

    assert query[0]["payload"] == {"data": {"hello": "hello world"}, "extensions": {"cost": 1}}
    assert mutation[0]["payload"]["data"] == {"rename": "x"}


@pytest.mark.parametrize("payload", [{"authorization": "Bearer admin-token"}, {"Authorization": "Bearer admin-token"}])
def test_knows_who_connects_by_the_connection_parameters(client: TestClient, payload: dict[str, str]) -> None:
    with connect(client) as socket:
        socket.send_json({"type": "connection_init", "payload": payload})
        assert socket.receive_json()["type"] == "connection_ack"
        assert set(live_of(client).connections) == {"viewer:admin-token"}


def test_knows_who_connects_by_the_handshake(client: TestClient) -> None:
    with connect(client, headers={"Authorization": "Bearer member-token"}) as socket:
        initialise(socket, token=None)
        assert set(live_of(client).connections) == {"viewer:member-token"}


@pytest.mark.parametrize("authorization", ["Bearer nobody-has-this", "Basic YTpi"])
def test_refuses_a_token_nobody_has_with_4403(client: TestClient, authorization: str) -> None:
    with connect(client) as socket:
        socket.send_json({"type": "connection_init", "payload": {"authorization": authorization}})
        assert close_of(socket)[0] == 4403


def test_a_database_that_is_down_closes_the_socket_without_detail(client: TestClient) -> None:
    with connect(client) as socket:
        socket.send_json({"type": "connection_init", "payload": {"authorization": "Bearer broken-token"}})
        assert close_of(socket) == (1013, "A service this needs cannot be reached; try again.")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://app.example.evil.example"])
def test_refuses_foreign_pages(client_of: ClientOf, origin: str) -> None:
    client = client_of(TransportSettings(allowed_origins=("https://app.example",)))

    with pytest.raises(WebSocketDisconnect) as refused, connect(client, headers={"Origin": origin}):
        pass

    assert refused.value.code == 1008  # Before accepting, which a server turns into 403.


@pytest.mark.parametrize("origin", ["https://app.example", "http://testserver"])
def test_lets_known_pages_connect(client_of: ClientOf, origin: str) -> None:
    client = client_of(TransportSettings(allowed_origins=("https://app.example",)))

    with connect(client, headers={"Origin": origin}) as socket:
        initialise(socket)


@pytest.mark.parametrize("subprotocols", [["graphql-ws"], ["something"], []])
def test_speaks_one_protocol_only(client: TestClient, subprotocols: list[str]) -> None:
    with connect(client, subprotocols=subprotocols) as socket:
        assert close_of(socket)[0] == 4406


MALFORMED = [
    "not json", "null", "[]", '"x"', "1", "{}", '{"type": null}', '{"type": "nonsense"}',
    '{"type": "subscribe", "id": "z"}', '{"type": "subscribe", "id": "z", "payload": null}',
    '{"type": "subscribe", "id": "z", "payload": {}}', '{"type": "subscribe", "id": "z", "payload": {"query": 1}}',
    '{"type": "subscribe", "id": 7, "payload": {"query": "{ hello }"}}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
    '{"type": "subscribe", "payload": {"query": "{ hello }"}}',
    '{"type": "subscribe", "id": "z", "payload": {"query": "{ hello }", "variables": []}}',
    '{"type": "subscribe", "id": "z", "payload": {"query": "{ hello }", "operationName": {}}}',
    '{"type": "complete"}', '{"type": "ping", "payload": 5}', "[" * 60_000,
]  # fmt: skip


@pytest.mark.parametrize("frame", MALFORMED, ids=lambda frame: frame[:60])
def test_closes_on_a_malformed_frame_with_4400(client: TestClient, frame: str) -> None:
    with connect(client) as socket:
        initialise(socket)
        socket.send_text(frame)
        assert close_of(socket)[0] == 4400


def test_closes_on_a_binary_frame_with_4400(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        socket.send_bytes(b"\x01")
        assert close_of(socket)[0] == 4400


@pytest.mark.parametrize("payload", ["[]", '"x"', "1"])
def test_closes_on_malformed_connection_parameters_with_4400(client: TestClient, payload: str) -> None:
    with connect(client) as socket:
        socket.send_text(f'{{"type": "connection_init", "payload": {payload}}}')
        assert close_of(socket)[0] == 4400


def test_closes_on_a_frame_that_is_too_large(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, "{ hello }" + " " * 70_000)
        assert close_of(socket)[0] == 1009


def test_closes_when_nobody_introduces_himself(client_of: ClientOf) -> None:
    with connect(client_of(TransportSettings(connection_init_seconds_max=0.05))) as socket:
        assert close_of(socket)[0] == 4408


def test_closes_on_a_second_introduction(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        socket.send_json({"type": "connection_init"})
        assert close_of(socket)[0] == 4429


def test_closes_on_an_operation_before_the_introduction(client: TestClient) -> None:
    with connect(client) as socket:
        subscribe(socket, "{ hello }")
        assert close_of(socket)[0] == 4401


def test_closes_on_an_id_that_is_in_use(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, LONG)
        subscribe(socket, LONG)
        assert close_of(socket)[0] == 4409
    assert comes_to_nothing(live_of(client))


def test_closes_when_the_token_expires(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket, token="brief-token")
        subscribe(socket, LONG)
        assert close_of(socket) == (4403, "The token expired")
    assert comes_to_nothing(live_of(client))


REFUSED = {
    "{ ": "GRAPHQL_PARSE_FAILED",
    "": "BAD_USER_INPUT",
    "{ nothing }": "GRAPHQL_VALIDATION_FAILED",
    "{ houses(first: 10001) { edges { cursor } } }": "QUERY_TOO_COMPLEX",
    "fragment F on Query { hello }": "BAD_USER_INPUT",
    "subscription { refused }": "FORBIDDEN",
}


@pytest.mark.parametrize("query", REFUSED)
def test_refuses_one_operation_and_keeps_the_socket(client: TestClient, query: str) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, query)
        (refused,) = messages_until_end(socket)
        subscribe(socket, "{ hello }")
        after = messages_until_end(socket)

    assert refused["type"] == "error"
    assert [error["extensions"]["code"] for error in refused["payload"]] == [REFUSED[query]]
    assert after[0]["payload"]["data"] == {"hello": "hello world"}


def test_masks_errors_of_a_running_stream(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, "subscription { breaks }")
        first, second, complete = messages_until_end(socket)

    assert first["payload"]["data"] == {"breaks": 1}
    assert second["payload"]["errors"][0]["message"] == "Unexpected error."
    assert second["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert "hunter2" not in json.dumps(second)
    assert complete["type"] == "complete"


def test_each_event_has_fresh_state(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, "subscription { loads(to: 3) }")
        messages = messages_until_end(socket)

    assert [message["payload"]["data"]["loads"] for message in messages[:-1]] == [1, 1, 1]


def test_bounds_the_operations_of_one_connection(client_of: ClientOf) -> None:
    with connect(client_of(TransportSettings(subscriptions_per_connection=2))) as socket:
        initialise(socket)
        for id in ("1", "2", "3"):
            subscribe(socket, LONG, id)
        refused = next(message for message in iter(socket.receive_json, None) if message["type"] == "error")

    assert refused["id"] == "3"
    assert refused["payload"][0]["extensions"]["code"] == "RATE_LIMITED"


def test_bounds_the_streams_of_one_viewer_over_all_connections(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(streams_per_viewer=1))
    with connect(client) as first, connect(client) as second, connect(client) as other:
        initialise(first)
        initialise(second)
        initialise(other, token="member-token")
        subscribe(first, LONG)
        first.receive_json()
        subscribe(second, LONG)
        subscribe(other, LONG)

        assert second.receive_json()["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        assert other.receive_json()["type"] == "next"
    assert comes_to_nothing(live_of(client))


def test_bounds_the_connections_of_one_viewer(client_of: ClientOf) -> None:
    client = client_of(TransportSettings(connections_per_viewer=1))
    with connect(client) as first:
        initialise(first)
        with connect(client) as second:
            second.send_json({"type": "connection_init", "payload": {"authorization": "Bearer admin-token"}})
            assert close_of(second)[0] == 1013


def test_a_completed_operation_stops_and_frees_its_id(client: TestClient) -> None:
    with connect(client) as socket:
        initialise(socket)
        subscribe(socket, LONG)
        socket.receive_json()
        socket.send_json({"id": "1", "type": "complete"})
        socket.send_json({"id": "unknown", "type": "complete"})
        subscribe(socket, "{ hello }", "2")
        while (message := socket.receive_json())["type"] != "complete":
            assert message["type"] == "next"
        subscribe(socket, "{ hello }")
        assert messages_until_end(socket)[-1] == {"id": "1", "type": "complete"}


def test_sockets_closed_abruptly_leave_nothing(client: TestClient) -> None:
    for _ in range(30):
        with connect(client) as socket:
            initialise(socket)
            subscribe(socket, LONG)
            socket.receive_json()

    assert comes_to_nothing(live_of(client))
