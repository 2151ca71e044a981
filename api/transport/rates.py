"""Token buckets: how much a viewer may ask for.

Kept in Redis, so that all processes share them. While Redis is away each process keeps its own, in bounded memory, and
asks Redis again after a short pause: a lost Redis must not stop the API, nor lift its limits.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.transport.settings import Rate

logger = logging.getLogger("commonwatt.rates")

# Level and instant are kept as text because Lua hands numbers back as integers.
TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local capacity, refill, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local kept = redis.call('HMGET', KEYS[1], 'level', 'at')
local level = tonumber(kept[1] or capacity)
local elapsed = math.max(0, now - tonumber(kept[2] or now))
level = math.min(capacity, level + elapsed * refill)
local granted = 0
if level >= points then
  level = level - points
  granted = 1
end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil((capacity - level) / refill * 1000) + 1000)
return {granted, tostring(level)}
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """The outcome of asking a bucket for points."""

    is_granted: bool
    rate: Rate
    points: int
    level: float

    @property
    def remaining(self) -> int:
        return math.floor(self.level)

    @property
    def retry_after_s(self) -> int:
        """Whole seconds until these points are there, rounded up."""
        return max(1, math.ceil((min(self.points, self.rate.capacity) - self.level) / self.rate.refill_per_s))

    @property
    def reset_after_s(self) -> int:
        """Whole seconds until the bucket is full, rounded up."""
        return math.ceil((self.rate.capacity - self.level) / self.rate.refill_per_s)

    @property
    def reset_at(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.reset_after_s)


class Buckets(Protocol):
    """Where budgets are kept."""

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        """Take points, or leave the bucket as it is when they are not all there."""


class LocalBuckets:
    """Buckets of this process; the ones unused for longest are forgotten first."""

    def __init__(self, buckets_max: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.buckets_max = buckets_max
        self.clock = clock
        self.levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        now = self.clock()
        level, at = self.levels.pop(key, (float(rate.capacity), now))
        level = min(rate.capacity, level + (now - at) * rate.refill_per_s)
        is_granted = level >= points
        level -= points if is_granted else 0
        self.levels[key] = (level, now)
        if len(self.levels) > self.buckets_max:
            self.levels.popitem(last=False)
        return Taken(is_granted, rate, points, level)


class RedisBuckets:
    """Buckets all processes share."""

    def __init__(self, redis: Redis, prefix: str = "rate:") -> None:
        self.script = redis.register_script(TAKE)
        self.prefix = prefix

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        granted, level = await self.script(keys=[self.prefix + key], args=[rate.capacity, rate.refill_per_s, points])
        return Taken(bool(granted), rate, points, float(level))


class FallbackBuckets:
    """The shared buckets, or this process's own while the shared ones do not answer."""

    def __init__(self, shared: Buckets, local: Buckets, seconds_max: float = 0.25, pause_s: float = 2.0) -> None:
        self.shared = shared
        self.local = local
        self.seconds_max = seconds_max
        self.pause_s = pause_s
        self.paused_until = 0.0

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        if time.monotonic() < self.paused_until:
            return await self.local.take(key, rate, points)
        try:
            async with asyncio.timeout(self.seconds_max):
                return await self.shared.take(key, rate, points)
        except (RedisError, OSError, TimeoutError) as error:
            self.paused_until = time.monotonic() + self.pause_s
            logger.warning("Rate limits are local", extra={"fields": {"cause": type(error).__name__}})
            return await self.local.take(key, rate, points)


def buckets_in(redis: Redis | None) -> Buckets:
    """Buckets in Redis with a local net under them; local ones only when there is no Redis."""
    local = LocalBuckets()
    return FallbackBuckets(RedisBuckets(redis), local) if redis is not None else local
