"""Token buckets: here, in Redis, and when Redis is away."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from api.transport.limits.leases import LeasedBuckets, RedisBuckets, buckets_in
from api.transport.terms.rates import FallbackBuckets, LocalBuckets, Taken
from api.transport.terms.settings import Rate

RATE = Rate(capacity=10, refill_per_s=2.0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 12)), max_size=40))
def test_never_grants_more_than_capacity_and_refill(asked: list[tuple[float, int]]) -> None:
    clock = Clock()
    buckets = LocalBuckets(clock=clock)
    granted = 0

    for pause, points in asked:
        clock.now += pause
        taken = asyncio.run(buckets.take("key", RATE, points))
        granted += points if taken.is_granted else 0
        assert 0 <= taken.level <= RATE.capacity
        assert granted <= RATE.capacity + clock.now * RATE.refill_per_s + 1e-6


async def test_a_refusal_takes_nothing_and_tells_when_to_come_back() -> None:
    clock = Clock()
    buckets = LocalBuckets(clock=clock)
    await buckets.take("key", RATE, 8)

    refused = await buckets.take("key", RATE, 7)
    clock.now += refused.retry_after_s
    granted = await buckets.take("key", RATE, 7)

    assert (refused.is_granted, refused.remaining, refused.retry_after_s, refused.reset_after_s) == (False, 2, 3, 4)
    assert granted.is_granted


async def test_forgets_the_buckets_unused_for_longest() -> None:
    buckets = LocalBuckets(buckets_max=100)

    for at in range(10_000):
        await buckets.take(f"address:{at}", RATE, 1)

    assert list(buckets.levels) == [f"address:{at}" for at in range(9_900, 10_000)]


async def test_redis_shares_a_bucket_between_processes(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as one, Redis.from_url(redis_url) as two:
        slow = Rate(capacity=10, refill_per_s=0.001)
        outcomes = [await LeasedBuckets(RedisBuckets(redis)).take("key", slow, 4) for redis in (one, two, one)]
        expiry_ms = await one.pttl("rate:key")

    assert [taken.is_granted for taken in outcomes] == [True, True, False]
    assert [taken.remaining for taken in outcomes] == [6, 2, 2]
    assert 0 < expiry_ms <= 8_001_000


async def test_redis_refills_and_forgets(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        quick = Rate(capacity=10, refill_per_s=100.0)
        await LeasedBuckets(RedisBuckets(redis)).take("key", quick, 10)
        await asyncio.sleep(0.06)
        refilled = await LeasedBuckets(RedisBuckets(redis)).take("key", quick, 5)

    assert refilled.is_granted


async def test_many_at_once_never_get_more_than_there_is(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        buckets = LeasedBuckets(RedisBuckets(redis))
        outcomes = await asyncio.gather(*(buckets.take("key", Rate(10, 0.001), 1) for _ in range(40)))

    assert sum(taken.is_granted for taken in outcomes) == 10


async def test_limits_hold_while_redis_is_away() -> None:
    async with Redis.from_url("redis://127.0.0.1:1/0") as nowhere:
        buckets = buckets_in(nowhere)
        outcomes = [await buckets.take("key", Rate(2, 0.001), 1) for _ in range(3)]

    assert [taken.is_granted for taken in outcomes] == [True, True, False]


async def test_asks_redis_again_after_a_pause_only() -> None:
    shared = Flaky()
    buckets = FallbackBuckets(shared, LocalBuckets(), pause_s=0.05)

    for _ in range(3):
        await buckets.take("key", RATE, 1)
    asked_while_paused = shared.asked
    await asyncio.sleep(0.06)
    shared.is_up = True
    await buckets.take("key", RATE, 1)

    assert (asked_while_paused, shared.asked) == (1, 2)


async def test_does_not_wait_for_a_redis_that_hangs() -> None:
    buckets = FallbackBuckets(Hanging(), LocalBuckets(), seconds_max=0.02)

    async with asyncio.timeout(1):
        taken = await buckets.take("key", RATE, 1)

    assert taken.is_granted


class Remote:
    """Shared buckets with nothing at hand."""

    def try_take(self, key: str, rate: Rate, points: int) -> Taken | None:
        return None

    async def give_back(self, key: str, rate: Rate, points: int) -> None:
        raise ConnectionResetError


class Flaky(Remote):
    def __init__(self) -> None:
        self.asked = 0
        self.is_up = False

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        self.asked += 1
        if not self.is_up:
            raise ConnectionResetError
        return Taken(True, rate, points, 1.0)


class Hanging(Remote):
    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        await asyncio.sleep(60)
        raise AssertionError("not reached")


def test_a_rate_knows_its_window() -> None:
    assert Rate(50_000, 500.0).window_s == 100
    assert pytest.approx(0.5) == Rate(1, 2.0).capacity / Rate(1, 2.0).refill_per_s
