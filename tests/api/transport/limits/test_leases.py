"""Leases on shared buckets: cheap to spend, and never a way around the limit."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from api.transport.limits.leases import LeasedBuckets, RedisBuckets, block
from api.transport.terms.rates import FallbackBuckets, LocalBuckets
from api.transport.terms.settings import Rate

STEADY = Rate(capacity=1_000, refill_per_s=0.001)
_keys = count(1)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Counted(RedisBuckets):
    """Counts the questions to Redis, and loses answers when told to."""

    asked = 0
    loses_answers = False

    async def lease(self, *given: Any, **more: Any) -> Any:
        self.asked += 1
        leased = await super().lease(*given, **more)
        if self.loses_answers:
            raise ConnectionResetError
        return leased


@asynccontextmanager
async def processes(redis_url: str, number: int = 1) -> AsyncIterator[list[LeasedBuckets]]:
    async with AsyncExitStack() as open_clients:
        clients = [await open_clients.enter_async_context(Redis.from_url(redis_url)) for _ in range(number)]
        yield [LeasedBuckets(Counted(client), clock=Clock()) for client in clients]


def asked(buckets: LeasedBuckets) -> int:
    assert isinstance(buckets.shared, Counted)
    return buckets.shared.asked


async def test_spends_a_lease_without_asking(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        first = await buckets.take("key", STEADY, 1)
        spent = [buckets.try_take("key", STEADY, 1) for _ in range(10)]
        beyond = buckets.try_take("key", STEADY, 1)

    assert asked(buckets) == 1
    assert first.remaining == 999
    assert [taken.remaining for taken in spent if taken] == list(range(998, 988, -1))
    assert beyond is None


async def test_has_nothing_at_hand_for_a_key_never_asked_for(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        assert buckets.try_take("key", STEADY, 1) is None


async def test_what_is_left_only_falls_while_nothing_is_refilled(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        remaining = [(await buckets.take("key", STEADY, 3)).remaining for _ in range(300)]

    assert remaining == list(range(997, 997 - 3 * 300, -3))


async def test_near_the_end_nothing_is_leased_and_all_can_be_spent(redis_url: str) -> None:
    async with processes(redis_url, 2) as (one, two):
        await one.take("key", STEADY, 970)
        granted = [(await buckets.take("key", STEADY, 1)).is_granted for buckets in [one, two] * 16]

    assert granted == [True] * 30 + [False] * 2
    assert one.try_take("key", STEADY, 1) is two.try_take("key", STEADY, 1) is None


async def test_unspent_points_go_back_with_the_next_question(redis_url: str) -> None:
    async with processes(redis_url, 2) as (one, two):
        await one.take("key", STEADY, 1)
        before = (await two.take("key", STEADY, 1)).remaining
        await one.take("key", STEADY, 900)
        after = await two.take("key", STEADY, 97)

    assert before == 988  # 1,000 less 1 taken, 10 leased to the other, and 1 taken.
    assert (after.is_granted, after.remaining) == (True, 1)


async def test_a_lease_ends(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        await buckets.take("key", STEADY, 1)
        buckets.clock.now = 10.0  # type: ignore[attr-defined]

        assert buckets.try_take("key", STEADY, 1) is None
        assert (await buckets.take("key", STEADY, 1)).remaining == 998


async def test_a_full_bucket_and_a_lease_are_not_more_than_the_bucket(redis_url: str) -> None:
    quick = Rate(capacity=1_000, refill_per_s=2_000.0)
    async with processes(redis_url, 2) as (one, two):
        await one.take("key", quick, 100)  # Leases fifty.
        await asyncio.sleep(0.1)
        began = time.monotonic()
        granted = await spend_all(one, two, quick)
        refilled = (time.monotonic() - began) * quick.refill_per_s

    assert granted <= quick.capacity + refilled + 10
    assert granted >= 900


async def spend_all(one: LeasedBuckets, two: LeasedBuckets, rate: Rate) -> int:
    granted = 0
    while one.try_take("key", rate, 10):
        granted += 10
    while (await two.shared.lease("key", rate, 10)).is_granted and granted < 1_200:
        granted += 10
    return granted


async def test_an_answer_that_is_lost_costs_points_and_never_the_limit(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        buckets.shared.loses_answers = True  # type: ignore[attr-defined]
        with pytest.raises(ConnectionResetError):
            await buckets.take("key", STEADY, 5)
        buckets.shared.loses_answers = False  # type: ignore[attr-defined]

        assert buckets.try_take("key", STEADY, 1) is None
        assert (await buckets.take("key", STEADY, 5)).remaining == 990 - block(STEADY, 5)


async def test_gives_back_what_did_not_happen(redis_url: str) -> None:
    async with processes(redis_url) as (buckets,):
        await buckets.take("key", STEADY, 5)
        await buckets.take("key", STEADY, 5)
        await buckets.give_back("key", STEADY, 5)

        assert (await buckets.take("key", STEADY, 1)).remaining == 994


async def test_forgets_the_leases_unused_for_longest(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        buckets = LeasedBuckets(RedisBuckets(redis), leases_max=3)
        for key in "abcde":
            await buckets.take(key, STEADY, 1)

    assert list(buckets.leases) == ["c", "d", "e"]


async def test_many_at_once_in_several_processes_never_get_more_than_there_is(redis_url: str) -> None:
    async with processes(redis_url, 3) as all_buckets:
        outcomes = await asyncio.gather(*(buckets.take("key", STEADY, 7) for buckets in all_buckets * 80))

    assert sum(taken.points for taken in outcomes if taken.is_granted) <= STEADY.capacity
    assert sum(taken.points for taken in outcomes if taken.is_granted) >= STEADY.capacity * 0.9


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 120), st.booleans(), st.floats(0, 12)), max_size=60))
async def test_never_grants_more_than_capacity(redis_url: str, asks: list[tuple[int, int, bool, float]]) -> None:
    """Whatever the processes ask, at once or one after another, with leases that end in between."""
    key, granted = f"key-{next(_keys)}", [0, 0, 0]

    async with processes(redis_url, 3) as all_buckets:
        for process, points, is_at_hand, pause in asks:
            buckets = all_buckets[process]
            buckets.clock.now += pause  # type: ignore[attr-defined]
            if is_at_hand:
                taken = buckets.try_take(key, STEADY, points)
            else:
                taken = await buckets.take(key, STEADY, points)
            granted[process] += points if taken is not None and taken.is_granted else 0
            assert sum(granted) <= STEADY.capacity
            # What the others spent since this process asked is not known to it.
            assert taken is None or 0 <= taken.remaining <= STEADY.capacity - granted[process]


async def test_a_lease_outlives_redis_and_then_limits_are_local(redis_url: str) -> None:
    async with processes(redis_url) as (leased,):
        buckets = FallbackBuckets(leased, LocalBuckets())
        await buckets.take("key", STEADY, 1)
        leased.shared.loses_answers = True  # type: ignore[attr-defined]
        of_lease = [buckets.try_take("key", STEADY, 5) for _ in range(2)]
        local = await buckets.take("key", STEADY, 990)
        more = buckets.try_take("key", STEADY, 10)
        too_much = buckets.try_take("key", STEADY, 10)
        await buckets.give_back("key", STEADY, 10)

    assert all(of_lease)
    assert (local.is_granted, local.remaining) == (True, 10)
    assert more is not None
    assert too_much is None
    assert buckets.try_take("key", STEADY, 10) is not None


@pytest.mark.parametrize(
    ("capacity", "points", "leased"), [(50_000, 1, 500), (50_000, 550, 2_200), (50_000, 9_000, 2_500), (10, 1, 0)]
)
def test_leases_a_small_part_of_a_bucket(capacity: int, points: int, leased: int) -> None:
    assert block(Rate(capacity, 1.0), points) == leased
