"""Token buckets: how much a viewer may ask for.

Kept in Redis (`leases`), so that all processes share them. While Redis is away each process keeps its own, in bounded
memory, and asks Redis again after a short pause: a lost Redis must not stop the API, nor lift its limits.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from redis.exceptions import RedisError

from api.transport.terms import instants
from api.transport.terms.settings import Rate

logger = logging.getLogger("commonwatt.rates")

UNREACHABLE = (RedisError, OSError, TimeoutError)


class Taken(NamedTuple):
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
        return instants.now() + timedelta(seconds=self.reset_after_s)


class Buckets(Protocol):
    """Where budgets are kept."""

    def try_take(self, key: str, rate: Rate, points: int) -> Taken | None:
        """Take points that are at hand in this process; None when `take` must be asked, and that alone refuses."""

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        """Take points, or leave the bucket as it is when they are not all there."""

    async def give_back(self, key: str, rate: Rate, points: int) -> None:
        """Put points back that were taken for something that did not happen."""


class LocalBuckets:
    """Buckets of this process; the ones unused for longest are forgotten first."""

    def __init__(self, buckets_max: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self.buckets_max = buckets_max
        self.clock = clock
        self.levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def try_take(self, key: str, rate: Rate, points: int) -> Taken | None:
        taken = self._take(key, rate, points)
        return taken if taken.is_granted else None

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        return self._take(key, rate, points)

    async def give_back(self, key: str, rate: Rate, points: int) -> None:
        self._take(key, rate, -points)

    def _take(self, key: str, rate: Rate, points: int) -> Taken:
        now = self.clock()
        level, at = self.levels.pop(key, (float(rate.capacity), now))
        level = min(rate.capacity, level + (now - at) * rate.refill_per_s)
        is_granted = level >= points
        level = min(rate.capacity, level - points) if is_granted else level
        self.levels[key] = (level, now)
        if len(self.levels) > self.buckets_max:
            self.levels.popitem(last=False)
        return Taken(is_granted, rate, points, level)


class FallbackBuckets:
    """The shared buckets, or this process's own while the shared ones do not answer."""

    def __init__(self, shared: Buckets, local: Buckets, seconds_max: float = 0.25, pause_s: float = 2.0) -> None:
        self.shared = shared
        self.local = local
        self.seconds_max = seconds_max
        self.pause_s = pause_s
        self.paused_until = 0.0

    @property
    def is_paused(self) -> bool:
        return time.monotonic() < self.paused_until

    def try_take(self, key: str, rate: Rate, points: int) -> Taken | None:
        taken = self.shared.try_take(key, rate, points)
        return self.local.try_take(key, rate, points) if taken is None and self.is_paused else taken

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        if self.is_paused:
            return await self.local.take(key, rate, points)
        try:
            async with asyncio.timeout(self.seconds_max):
                return await self.shared.take(key, rate, points)
        except UNREACHABLE as error:
            self._pause(error)
            return await self.local.take(key, rate, points)

    async def give_back(self, key: str, rate: Rate, points: int) -> None:
        if self.is_paused:
            return await self.local.give_back(key, rate, points)
        try:
            async with asyncio.timeout(self.seconds_max):
                return await self.shared.give_back(key, rate, points)
        except UNREACHABLE as error:
            self._pause(error)

    def _pause(self, error: Exception) -> None:
        self.paused_until = time.monotonic() + self.pause_s
        logger.warning("Rate limits are local", extra={"fields": {"cause": type(error).__name__}})
