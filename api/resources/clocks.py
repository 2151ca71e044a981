"""That processes are there, and how far the clocks of their machines are from the database's, as they tell over Redis.

Workers and relays answer nobody, so an API shows theirs beside its own. Processes of one machine share a clock.
"""

import asyncio
import contextlib
import os
import socket
from collections import Counter
from dataclasses import dataclass, field

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.resources import clock

CLOCKS = "commonwatt:clocks"
TELL_S = 5.0
FRESH_S = 15.0
KEPT_S = 3_600  # After the last process has ended.


async def tell(redis: Redis, process: str) -> None:
    """Tell for ever how far this machine's clock is ahead; while Redis is away nobody hears of it."""
    name = f"{process}@{socket.gethostname()}#{os.getpid()}"
    while True:
        with contextlib.suppress(RedisError, OSError):
            value = f"{clock.outside().timestamp():.0f} {clock.ahead_s():.6f}"
            await redis.hset(CLOCKS, name, value)  # type: ignore[misc]
            await redis.expire(CLOCKS, KEPT_S)
        await asyncio.sleep(TELL_S)


@dataclass(frozen=True, slots=True)
class Told:
    """What was told just now, by kind of process and machine: how far its clock is ahead, seconds, and how many are
    there.
    """

    ahead_s: dict[tuple[str, str], float] = field(default_factory=dict)
    alive: Counter[tuple[str, str]] = field(default_factory=Counter)


async def told(redis: Redis) -> Told:
    """What processes have told within FRESH_S. Raises RedisError, OSError."""
    now_s = clock.outside().timestamp()
    found = Told()
    known = await redis.hgetall(CLOCKS)  # type: ignore[misc]
    for name, value in known.items():
        process, _, place = name.decode().partition("@")
        machine = place.partition("#")[0]
        told_s, ahead_s = map(float, value.split())
        if abs(now_s - told_s) <= FRESH_S:
            found.ahead_s[process, machine] = ahead_s
            found.alive[process, machine] += 1
        elif abs(now_s - told_s) > KEPT_S:
            await redis.hdel(CLOCKS, name)  # type: ignore[misc]
    return found
