"""The express lane when time is up, a client leaves or many come at once."""

import asyncio

import orjson
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.types import Message, Receive, Send

from api.transport.observing import telemetry
from api.transport.terms.settings import TransportSettings
from tests.api.transport.lane import BODY, Request, Site, a_site, ask


async def test_an_operation_that_takes_too_long_is_stopped_and_not_begun_again() -> None:
    settings = TransportSettings(operation_seconds_max=0.1)
    fast, slow = (a_site(settings, has_lane=has) for has in (True, False))
    for site in (fast, slow):
        await ask(site.app, Request())
        site.plans.seconds = 30

    by_lane, by_ordinary = [await ask(site.app, Request()) for site in (fast, slow)]

    assert by_lane == by_ordinary
    assert by_lane.status == 503
    assert orjson.loads(by_lane.body)["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"
    assert (fast.ordinary.requests, fast.plans.asked) == (1, 2)
    assert fast.execution.observations.series.keys() == slow.execution.observations.series.keys()


async def test_a_body_that_is_late_is_refused_by_the_ordinary_way() -> None:
    site = a_site(TransportSettings(operation_seconds_max=0.05, body_seconds_max=0.05))
    sent: list[Message] = []

    async def never() -> Message:
        await asyncio.sleep(60)
        raise AssertionError

    async def keep(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(5):
        await asyncio.create_task(run(site, never, keep))

    assert sent[0]["status"] == 408


async def run(site: Site, receive: Receive, send: Send) -> None:
    await site.app(Request().in_scope(), receive, send)


async def test_a_task_that_is_cancelled_from_outside_ends() -> None:
    site = a_site()
    await ask(site.app, Request())
    site.plans.seconds = 30

    asking = asyncio.create_task(ask(site.app, Request()))
    await asyncio.sleep(0.05)
    asking.cancel()
    await asyncio.wait([asking])

    assert asking.cancelled()
    assert site.ordinary.requests == 1


async def test_a_client_that_leaves_before_its_body_is_left_to_the_ordinary_way() -> None:
    site = a_site()
    await ask(site.app, Request())
    sent: list[Message] = []

    async def left() -> Message:
        return {"type": "http.disconnect"}

    async def keep(message: Message) -> None:
        sent.append(message)

    await asyncio.create_task(run(site, left, keep))

    assert (sent[0]["status"], site.ordinary.requests) == (499, 2)


async def test_traced_operations_take_the_ordinary_way() -> None:
    site = a_site()
    await ask(site.app, Request())

    provider = telemetry.export_to(InMemorySpanExporter(), "commonwatt-test")
    try:
        await ask(site.app, Request())
    finally:
        telemetry.stop_telemetry()
        provider.shutdown()
    await ask(site.app, Request())

    assert site.ordinary.requests == 2


async def test_many_at_once_keep_their_viewers_apart() -> None:
    site = a_site()
    await ask(site.app, Request())
    site.plans.seconds = 0.01
    names = [f"name-{at:03}" for at in range(100)]
    requests = [
        Request({**BODY, "variables": {"name": name}}, {"authorization": f"Bearer {token}", "x-request-id": name})
        for name, token in zip(names, ["admin-token", "member-token"] * 50, strict=True)
    ]

    answers = await asyncio.gather(*(ask(site.app, request) for request in requests))

    assert [orjson.loads(answer.body)["data"]["hello"] for answer in answers] == [f"hello {name}" for name in names]
    assert [dict(answer.headers)[b"x-request-id"].decode() for answer in answers] == names
    assert site.ordinary.requests == 1
    assert {key: level for key, (level, _) in site.buckets.levels.items() if not key.startswith("text:")} == {
        "viewer:admin-token": 49_950.0,
        "viewer:member-token": 49_949.0,
    }
