"""Shares behind sockets and event streams: the protocols' frames, slow readers, and nothing left behind."""

import asyncio
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from api.transport.http.app import GraphQLApp
from api.transport.terms.settings import TransportSettings
from tests.api.transport.live_app import World, build, settle

SOCKET = {
    "type": "websocket", "path": "/graphql", "query_string": b"", "client": ("127.0.0.1", 1), "headers": [],
    "subprotocols": ["graphql-transport-ws"],
}  # fmt: skip
STREAM = {
    "type": "http", "method": "POST", "path": "/graphql", "query_string": b"", "client": ("127.0.0.1", 1),
    "headers": [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")],
}  # fmt: skip


class Client:
    """The other end of an ASGI connection, which may stop reading."""

    def __init__(self, app: GraphQLApp, scope: dict[str, Any]) -> None:
        self.messages: asyncio.Queue[Message] = asyncio.Queue()
        self.sent: list[Message] = []
        self.reads = asyncio.Event()
        self.reads.set()
        served = Starlette(routes=app.routes)
        self.task = asyncio.create_task(self._serve(served, dict(scope)))

    async def _serve(self, app: Starlette, scope: Scope) -> None:
        receive: Receive = self.messages.get
        send: Send = self._take
        await app(scope, receive, send)

    async def _take(self, message: Message) -> None:
        await self.reads.wait()
        self.sent.append(message)
        if message["type"] == "websocket.close":
            self.messages.put_nowait({"type": "websocket.disconnect", "code": message["code"]})

    def say(self, **frame: Any) -> None:
        self.messages.put_nowait({"type": "websocket.receive", "text": orjson.dumps(frame).decode()})

    def subscribe(self, query: str, id: str = "1", **variables: Any) -> None:
        self.say(type="subscribe", id=id, payload={"query": query, "variables": variables})

    @property
    def frames(self) -> list[Any]:
        return [orjson.loads(message["text"]) for message in self.sent if "text" in message]

    @property
    def numbers(self) -> list[int]:
        payloads = [frame["payload"] for frame in self.frames if frame["type"] == "next"]
        return [payload["data"]["numbers"] for payload in payloads]

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.frames) < count:
                await asyncio.sleep(0)

    async def ends(self) -> None:
        async with asyncio.timeout(5):
            await asyncio.wait({self.task})

    async def leave(self, type: str = "websocket.disconnect") -> None:
        self.messages.put_nowait({"type": type, "code": 1006})
        await self.ends()


async def a_socket(app: GraphQLApp, token: str = "somebody") -> Client:
    client = Client(app, SOCKET)
    client.messages.put_nowait({"type": "websocket.connect"})
    client.say(type="connection_init", payload={"authorization": f"Bearer {token}"})
    await client.until(1)
    return client


def a_stream(app: GraphQLApp, query: str) -> Client:
    client = Client(app, STREAM)
    body = orjson.dumps({"query": query})
    client.messages.put_nowait({"type": "http.request", "body": body, "more_body": False})
    return client


def is_empty(app: GraphQLApp, world: World) -> bool:
    return not (app.live.streams or app.live.connections or app.execution.shares.open or world.hub.readers)


@pytest.fixture
def world() -> World:
    return World()


async def test_frames_of_a_share_are_those_of_the_protocol(world: World) -> None:
    app = build(world)
    world.hub.publish(1)
    client = await a_socket(app)
    client.subscribe("subscription { numbers(after: 0) }", id='a"b')
    await client.until(2)
    await settle()

    world.hub.publish(1)
    await client.until(3)
    await client.leave()

    assert client.frames[1:] == [
        {"id": 'a"b', "type": "next", "payload": {"data": {"numbers": 1}, "extensions": {"cost": 1}}},
        {"id": 'a"b', "type": "next", "payload": {"data": {"numbers": 2}}},
    ]
    assert is_empty(app, world)


async def test_a_completed_subscription_gets_no_more_and_frees_its_id(world: World) -> None:
    app = build(world)
    client = await a_socket(app)
    for id in "12":
        client.subscribe("subscription { numbers }", id=id)
    await settle()

    client.say(type="complete", id="1")
    await settle()
    world.hub.publish(1)
    await client.until(2)
    client.subscribe("subscription { numbers(after: 0) }", id="1")
    await client.until(3)
    held = app.live.streams_open
    await client.leave()

    assert [(frame["id"], frame["payload"]["data"]) for frame in client.frames[1:]] == [
        ("2", {"numbers": 1}),
        ("1", {"numbers": 1}),
    ]
    assert held == 2
    assert is_empty(app, world)


async def test_the_end_of_a_share_completes_its_subscriptions(world: World) -> None:
    app = build(world)
    client = await a_socket(app)
    client.subscribe("subscription { state(last: 1) }")
    await client.until(2)
    await settle()

    world.hub.publish(1)
    await client.until(4)
    client.subscribe("{ hello }")
    await client.until(6)
    await client.leave()

    assert [frame["type"] for frame in client.frames] == [
        "connection_ack",
        "next",
        "next",
        "complete",
        "next",
        "complete",
    ]
    assert is_empty(app, world)


async def test_an_id_in_use_closes_the_socket_also_when_a_share_serves_it(world: World) -> None:
    app = build(world)
    client = await a_socket(app)
    client.subscribe("subscription { numbers }")
    await settle()

    client.subscribe("subscription { numbers }")
    await client.ends()

    assert client.sent[-1]["code"] == 4409
    assert is_empty(app, world)


async def test_a_reader_that_is_too_slow_is_closed_with_1013_while_others_go_on(world: World) -> None:
    app = build(world, settings=TransportSettings(waiting_frames_max=5))
    slow, other = await a_socket(app), await a_socket(app)
    for client in (slow, other):
        client.subscribe("subscription { numbers }")
    await settle()
    slow.reads.clear()

    for _ in range(10):
        world.hub.publish(1)
        await settle(50)
    slow.reads.set()
    await slow.ends()
    world.hub.publish(1)
    await other.until(12)
    resumed = await a_socket(app)
    resumed.subscribe("subscription { numbers(after: 0) }")
    await resumed.until(12)
    for client in (other, resumed):
        await client.leave()

    assert slow.sent[-1] == {
        "type": "websocket.close", "code": 1013, "reason": "Reading too slowly: resume from your cursor",
    }  # fmt: skip
    assert slow.numbers == []
    assert other.numbers == resumed.numbers == list(range(1, 12))
    assert is_empty(app, world)


async def test_a_reader_that_never_reads_again_is_let_go(world: World) -> None:
    app = build(world, settings=TransportSettings(send_seconds_max=0.02))
    client = await a_socket(app)
    client.subscribe("subscription { numbers }")
    await settle()
    client.reads.clear()

    world.hub.publish(1)
    await client.ends()

    assert is_empty(app, world)
    assert client.numbers == []


async def test_two_hundred_sockets_that_break_leave_nothing(world: World) -> None:
    app = build(world, settings=TransportSettings(connections_per_viewer=200, streams_per_viewer=400))
    clients = [await a_socket(app) for _ in range(200)]
    for number, client in enumerate(clients):
        client.subscribe("subscription { numbers }")
        client.subscribe(f"subscription {{ numbers(after: 0, step: {number % 5 + 1}) }}", id="2")
    await settle()
    world.hub.publish(3)
    tasks = asyncio.all_tasks() - {client.task for client in clients}

    await asyncio.gather(*(client.leave() for client in clients[:100]), settle())
    world.hub.publish(3)
    await asyncio.gather(*(client.leave() for client in clients[100:]), settle())
    await settle()

    assert is_empty(app, world)
    assert asyncio.all_tasks() <= tasks


async def test_an_event_stream_goes_on_as_one_of_a_share(world: World) -> None:
    app = build(world)
    clients = [a_stream(app, "subscription { numbers }") for _ in range(3)]
    await settle()

    world.hub.publish(2)
    await settle()
    shares = len(app.execution.shares.open)
    for client in clients:
        await client.leave("http.disconnect")
    bodies = [b"".join(m["body"] for m in client.sent if "body" in m) for client in clients]

    assert shares == 1
    assert bodies == [
        b'event: next\ndata: {"data":{"numbers":1},"extensions":{"cost":1}}\n\n'
        b'event: next\ndata: {"data":{"numbers":2}}\n\n'
    ] * 3  # fmt: skip
    assert is_empty(app, world)


async def test_an_event_stream_ends_with_its_share(world: World) -> None:
    app = build(world)
    client, late = (a_stream(app, "subscription { breaks(at: 2) }") for _ in range(2))
    await settle()

    world.hub.publish(2)
    await client.ends()
    await late.ends()
    body = b"".join(m["body"] for m in client.sent if "body" in m)

    assert body.startswith(b'event: next\ndata: {"data":{"breaks":1},"extensions":{"cost":1}}\n\n')
    assert body.endswith(b"event: complete\ndata:\n\n")
    assert b'"code":"INTERNAL"' in body
    assert client.sent[-1]["more_body"] is False
    assert is_empty(app, world)


async def test_an_event_stream_read_too_slowly_is_given_up(world: World) -> None:
    app = build(world, settings=TransportSettings(waiting_frames_max=3))
    client = a_stream(app, "subscription { numbers }")
    await settle()
    client.reads.clear()

    world.hub.publish(10)
    await client.ends()

    assert is_empty(app, world)
    assert not any(message.get("body") for message in client.sent)
