"""Token buckets in Redis, shared by all processes, and leases on them that a process spends without asking.

A lease is a block of points taken from the shared bucket in advance, good for ten seconds. What is leased has left the
bucket, so the limit holds however many processes lease; unspent points go back with the next question. While a lease
is held the bucket fills up only to its capacity less the lease, so that nobody gets a full bucket and a lease besides.
Near the end of a bucket nothing is leased: then every operation asks Redis, and only Redis refuses.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import uuid4

from redis.asyncio import Redis

from api.transport.terms.rates import Buckets, FallbackBuckets, LocalBuckets, Taken
from api.transport.terms.settings import Rate

LEASE_SECONDS = 10.0
LEFT_FACTOR = 4  # A block is leased only while this many times as much is left for others.

# Level and instant are kept as text because Lua hands numbers back as integers. Beside them the hash has a field per
# lease, "<points> <end>", written anew by its holder's next question.
TAKE = """
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local capacity, refill, points = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spare, returned, holder, seconds = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7])
local level, at, held = capacity, now, 0
local kept = redis.call('HGETALL', KEYS[1])
for i = 1, #kept, 2 do
  local name, value = kept[i], kept[i + 1]
  if name == 'level' then level = tonumber(value)
  elseif name == 'at' then at = tonumber(value)
  elseif name ~= holder then
    local size, ends = string.match(value, '^(%S+) (%S+)$')
    if tonumber(ends) > now then held = held + tonumber(size) else redis.call('HDEL', KEYS[1], name) end
  end
end
level = math.min(capacity - held, level + math.max(0, now - at) * refill + returned)
local granted = 0
if level >= points then
  level = level - points
  granted = 1
end
if granted == 0 or level < spare * tonumber(ARGV[8]) then spare = 0 end
level = level - spare
if spare > 0 then redis.call('HSET', KEYS[1], holder, string.format('%d %.6f', spare, now + seconds))
elseif holder ~= '' then redis.call('HDEL', KEYS[1], holder) end
redis.call('HSET', KEYS[1], 'level', tostring(level), 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max((capacity - level) / refill, seconds) * 1000) + 1000)
return {granted, spare, tostring(level)}
"""


class Leased(NamedTuple):
    """What the shared bucket answered: whether the points are granted, and how many more are leased."""

    is_granted: bool
    spare: int
    level: float


@dataclass(slots=True)
class Lease:
    """Points a process may spend by itself."""

    holder: str = field(default_factory=lambda: f"lease:{uuid4().hex}")
    points: int = 0  # Unspent.
    level: float = 0.0  # Of the shared bucket when it was last asked.
    ends_s: float = 0.0
    is_asking: bool = False


class RedisBuckets:
    """Buckets all processes share."""

    def __init__(self, redis: Redis, prefix: str = "rate:") -> None:
        self.script = redis.register_script(TAKE)
        self.prefix = prefix

    async def lease(
        self, key: str, rate: Rate, points: int, *, spare: int = 0, returned: int = 0, holder: str = ""
    ) -> Leased:
        """Take points and, where plenty are left, spare ones for the holder, whose earlier lease ends with this."""
        asked: list[str | int | float] = [rate.capacity, rate.refill_per_s, points, spare, returned, holder]
        arguments = [*asked, LEASE_SECONDS, LEFT_FACTOR]
        granted, leased, level = await self.script(keys=[self.prefix + key], args=arguments)
        return Leased(bool(granted), leased, float(level))


class LeasedBuckets:
    """Shared buckets with a lease for each key in use; the leases unused for longest are forgotten first."""

    def __init__(
        self, shared: RedisBuckets, leases_max: int = 10_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.shared = shared
        self.leases_max = leases_max
        self.clock = clock
        self.leases: OrderedDict[str, Lease] = OrderedDict()

    def try_take(self, key: str, rate: Rate, points: int) -> Taken | None:
        lease = self.leases.get(key)
        if lease is None or lease.points < points or lease.ends_s <= self.clock():
            return None
        self.leases.move_to_end(key)
        lease.points -= points
        return Taken(True, rate, points, lease.level + lease.points)

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        taken = self.try_take(key, rate, points)
        if taken is not None:
            return taken
        lease = self._lease(key)
        # One question at a time leases; those beside it take what they need and no more.
        answer = self.shared.lease(key, rate, points) if lease.is_asking else self._renew(lease, key, rate, points)
        leased = await answer
        lease.level = leased.level
        return Taken(leased.is_granted, rate, points, lease.level + lease.points)

    async def give_back(self, key: str, rate: Rate, points: int) -> None:
        leased = await self.shared.lease(key, rate, 0, returned=points)
        self._lease(key).level = leased.level

    async def _renew(self, lease: Lease, key: str, rate: Rate, points: int) -> Leased:
        """Give back what is unspent and lease anew. When the answer is lost, so are those points, never the limit."""
        unspent, lease.points = lease.points, 0
        ends_s = self.clock() + LEASE_SECONDS  # From before the question, so that it ends here before it does there.
        lease.is_asking = True
        try:
            spare = block(rate, points)
            leased = await self.shared.lease(key, rate, points, spare=spare, returned=unspent, holder=lease.holder)
        finally:
            lease.is_asking = False
        lease.points, lease.ends_s = leased.spare, ends_s
        return leased

    def _lease(self, key: str) -> Lease:
        lease = self.leases.setdefault(key, Lease())
        self.leases.move_to_end(key)
        if len(self.leases) > self.leases_max:
            self.leases.popitem(last=False)
        return lease


def block(rate: Rate, points: int) -> int:
    """How many points to lease: a hundredth of the bucket or four times these points, at most a twentieth."""
    return min(max(rate.capacity // 100, 4 * points), rate.capacity // 20)


def buckets_in(redis: Redis | None) -> Buckets:
    """Leased buckets in Redis with a local net under them; local ones only when there is no Redis."""
    local = LocalBuckets()
    return FallbackBuckets(LeasedBuckets(RedisBuckets(redis)), local) if redis is not None else local
