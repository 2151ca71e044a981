"""Equal subscriptions share one execution, and nobody misses an event or gets one twice."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from api.transport.executing import subscribers
from api.transport.http.app import GraphQLApp
from tests.api.transport.live_app import Reader, Viewer, World, build, settle

STATE = "subscription State($last: Int!) { state(last: $last) }"


@pytest.fixture
async def world() -> World:
    return World()


@pytest.fixture
async def app(world: World) -> AsyncIterator[GraphQLApp]:
    yield build(world)
    await settle()
    assert not world.hub.readers


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.integers(1, 7)),
        st.tuples(st.just("subscribe"), st.none() | st.integers(0, 20)),
        st.tuples(st.just("leave"), st.integers(0, 5)),
        st.tuples(st.just("run"), st.integers(1, 40)),
    ),
    max_size=25,
)


@given(STEPS, st.sampled_from([1, 3, 1_000]), st.sampled_from([0, 1, 9]))
def test_everybody_sees_exactly_what_follows_its_cursor(
    steps: list[tuple[str, int | None]], waiting_max: int, turns: int
) -> None:
    asyncio.run(_act(steps, waiting_max, turns))


async def _act(steps: list[tuple[str, int | None]], waiting_max: int, turns: int) -> None:
    world = World(turns=turns)
    app = build(world)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subscribers, "WAITING_MAX", waiting_max)
        open_readers: list[tuple[Reader, int | None]] = []
        for step, number in steps:
            if step == "publish":
                world.hub.publish(number or 1)
            elif step == "subscribe":
                after = None if number is None else max(0, len(world.hub.events) - number)
                open_readers.append((Reader(app, after=after), after))
            elif step == "leave" and open_readers:
                reader, after = open_readers.pop((number or 0) % len(open_readers))
                await reader.leave()
                _check_order(reader.results, after)
            elif step == "run":
                await settle(number or 1)
        await settle()
        last = len(world.hub.events) + 1
        world.hub.publish()
        for reader, after in open_readers:
            while last not in reader.results:
                await asyncio.sleep(0)
            _check_order(reader.results, after)
            await reader.leave()
    await settle()
    assert not world.hub.readers
    assert not app.execution.shares.open


def _check_order(results: list[int], after: int | None) -> None:
    first = results[0] if after is None and results else (after or 0) + 1
    assert results == list(range(first, first + len(results)))


async def test_a_hundred_readers_cost_one_execution_and_one_encoding(world: World, app: GraphQLApp) -> None:
    readers = [Reader(app, viewer=Viewer(f"viewer {i % 3}")) for i in range(100)]
    await asyncio.gather(*(reader.is_live() for reader in readers))
    before = len(world.asked)

    world.hub.publish(2)
    results = [await reader.has(2) for reader in readers]
    for reader in readers:
        await reader.leave()

    assert results == [[1, 2]] * 100
    assert world.resolved == 2
    assert len({id(reader.encoded[0]) for reader in readers}) == 1
    assert world.asked[before:] == [3]


async def test_readers_that_resume_from_different_places_share(world: World, app: GraphQLApp) -> None:
    world.hub.publish(3)
    readers = [Reader(app, after=after) for after in (0, 1, 2, None)]
    await asyncio.gather(*(reader.is_live() for reader in readers))

    world.hub.publish()
    results = [await reader.has(count) for reader, count in zip(readers, (4, 3, 2, 1), strict=True)]
    is_shared = len(app.execution.shares.open) == 1
    for reader in readers:
        await reader.leave()

    assert results == [[1, 2, 3, 4], [2, 3, 4], [3, 4], [4]]
    assert is_shared


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        ("subscription { numbers(step: 2) }", {}),
        ("subscription Numbers($after: Int, $step: Int = 1) { numbers(after: $after, step: $step) }", {"step": 2}),
        ("subscription Numbers($after: Int = 0) { numbers(step: $after) }", {"after": 2}),
    ],
)
async def test_others_do_not_share(world: World, app: GraphQLApp, query: str, variables: dict[str, Any]) -> None:
    readers = [Reader(app), Reader(app, query, **variables), Reader(app, viewer=Viewer("somebody", sees="less"))]
    await asyncio.gather(*(reader.is_live() for reader in readers))
    count = len(app.execution.shares.open)

    world.hub.publish(2)
    results = [await reader.has(1) for reader in readers]
    for reader in readers:
        await reader.leave()

    assert count == 3
    assert results[1] == [2]


async def test_what_stands_comes_first_and_only_the_first_result_tells_the_cost(world: World, app: GraphQLApp) -> None:
    world.hub.publish(3)
    early = Reader(app, "subscription { latestAndNews }")
    late = Reader(app)
    await asyncio.gather(early.is_live(), late.is_live())

    world.hub.publish(2)
    results = await early.has(3), await late.has(2)
    await early.leave()
    await late.leave()

    assert results == ([3, 4, 5], [4, 5])
    assert early.extensions == [{"cost": 1}, {}, {}]
    assert late.extensions == [{"cost": 1}, {}]


async def test_a_state_begins_with_the_latest_one_shown_and_ends_for_all(world: World, app: GraphQLApp) -> None:
    first = Reader(app, STATE, last=2)
    await first.has(1)
    world.hub.publish()
    await first.has(2)
    late = Reader(app, STATE, last=2)
    await late.has(1)
    looked = world.resolved

    world.hub.publish()
    results = await first.has(3), await late.has(2)
    await settle()

    assert results == ([0, 1, 2], [1, 2])
    assert looked == 2
    assert (first.end, late.end) == ("complete", "complete")


async def test_who_is_overtaken_while_catching_up_catches_up_further(
    world: World, app: GraphQLApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscribers, "WAITING_MAX", 2)
    world.turns = 10
    first = Reader(app)
    await first.is_live()
    world.hub.publish(5)
    await first.has(5)
    late = Reader(app, after=0)
    await late.has(1)

    world.hub.publish(5)
    await first.has(10)
    seen_before = len(late.results)
    results = await late.has(10)
    await late.leave()
    await first.leave()

    assert seen_before < 5
    assert results == list(range(1, 11))


async def test_an_error_of_the_shared_execution_ends_all(world: World, app: GraphQLApp) -> None:
    query = "subscription { breaks(at: 2) }"
    readers = [Reader(app, query), Reader(app, query)]
    await asyncio.gather(*(reader.is_live() for reader in readers))
    world.hub.publish()
    await readers[0].has(1)
    late = Reader(app, query)
    await late.is_live()

    world.hub.publish()
    results = [await reader.has(2) for reader in readers] + [await late.has(1)]
    await settle()

    assert results == [[1, ["INTERNAL"]]] * 2 + [[["INTERNAL"]]]
    assert [reader.end for reader in (*readers, late)] == ["complete", "complete", "refused"]
    assert not app.execution.shares.open


async def test_what_may_not_be_followed_is_refused_to_all(app: GraphQLApp) -> None:
    readers = [Reader(app, "subscription { forbidden }") for _ in range(3)]
    results = [await reader.has(1) for reader in readers]
    await settle()

    assert results == [[["FORBIDDEN"]]] * 3
    assert {reader.end for reader in readers} == {"refused"}
    assert {reader.operation.code for reader in readers} == {"FORBIDDEN"}


async def test_who_has_ended_or_sees_something_else_is_sent_away(world: World, app: GraphQLApp) -> None:
    viewers = [Viewer("ends"), Viewer("sees less"), Viewer("renews"), Viewer("stays")]
    readers = {viewer.key: Reader(app, viewer=viewer) for viewer in viewers}
    await asyncio.gather(*(reader.is_live() for reader in readers.values()))
    world.hub.publish()
    for reader in readers.values():
        await reader.has(1)
    world.now = {viewers[0]: None, viewers[1]: Viewer("sees less", sees="less"), viewers[2]: Viewer("renewed")}

    world.hub.publish()
    results = {key: await reader.has(2) for key, reader in readers.items()}
    (held,) = [dict(share.viewers) for share in app.execution.shares.open.values()]
    for reader in readers.values():
        await reader.leave()

    assert results == {
        "ends": [1, ["UNAUTHENTICATED"]], "sees less": [1, ["SUBSCRIBE_AGAIN"]], "renews": [1, 2], "stays": [1, 2],
    }  # fmt: skip
    assert [readers[key].end for key in ("ends", "sees less", "stays")] == ["complete", "complete", None]
    assert held == {Viewer("renewed"): 1, Viewer("stays"): 1}


async def test_when_all_have_ended_nothing_more_is_resolved(world: World, app: GraphQLApp) -> None:
    reader = Reader(app)
    await reader.is_live()
    world.now = {Viewer("somebody"): None}

    world.hub.publish()
    results = await reader.has(1)
    await settle()

    assert results == [["UNAUTHENTICATED"]]
    assert (reader.end, world.resolved) == ("refused", 0)
    assert not app.execution.shares.open


async def test_who_has_ended_before_subscribing_is_refused(world: World, app: GraphQLApp) -> None:
    world.now = {Viewer("somebody"): None}

    reader = Reader(app)

    assert await reader.has(1) == [["UNAUTHENTICATED"]]
    assert not app.execution.shares.open


async def test_the_feed_is_read_once_for_all(world: World, app: GraphQLApp) -> None:
    readers = [Reader(app, f"subscription {{ numbers(step: {i}) }}") for i in (1, 2, 3, 4, 6)]
    await asyncio.gather(*(reader.is_live() for reader in readers))
    await settle()
    before = world.hub.reads

    world.hub.publish(12)
    results = [len(await reader.has(2)) for reader in readers]
    await settle()
    reads = world.hub.reads - before
    for reader in readers:
        await reader.leave()

    assert results == [12, 6, 4, 3, 2]
    assert reads == 1


async def test_each_subscription_is_noted_once_when_it_ends(world: World) -> None:
    registry = CollectorRegistry()
    app = build(world, registry=registry, known_operations=frozenset({"Numbers"}))
    labels = {"operation": "Numbers", "kind": "subscription", "transport": "websocket", "code": "OK"}

    reader, other = Reader(app), Reader(app)
    await asyncio.gather(reader.is_live(), other.is_live())
    world.hub.publish(2)
    await reader.has(2)
    noted = registry.get_sample_value("graphql_operations_total", labels)
    for each in (reader, other, reader):
        await each.leave()

    assert noted is None
    assert registry.get_sample_value("graphql_operations_total", labels) == 2
    assert reader.operation.results == 2
