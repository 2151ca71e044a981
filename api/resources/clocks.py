"""How far the clocks of machines are from the database's, as the processes on them tell over Redis.

Workers and relays answer nobody, so an API shows theirs beside its own. Processes of one machine share a clock.
"""

import asyncio
import contextlib
import socket

from redis.asyncio import Redis
from redis.exceptions import RedisError

from api.resources import clock

CLOCKS = "commonwatt:clocks"
TELL_S = 5.0
FRESH_S = 15.0
KEPT_S = 3_600  # After the last process has ended.


async def tell(redis: Redis, process: str) -> None:
    """Tell for ever how far this machine's clock is ahead; while Redis is away nobody hears of it."""
    name = f"{process}@{socket.gethostname()}"
    while True:
        with contextlib.suppress(RedisError, OSError):
            value = f"{clock.outside().timestamp():.0f} {clock.ahead_s():.6f}"
            await redis.hset(CLOCKS, name, value)  # type: ignore[misc]
            await redis.expire(CLOCKS, KEPT_S)
        await asyncio.sleep(TELL_S)


async def told(redis: Redis) -> dict[tuple[str, str], float]:
    """By process and machine how far its clock is ahead, seconds, as told just now. Raises RedisError, OSError."""
    now_s = clock.outside().timestamp()
    found = {}
    known = await redis.hgetall(CLOCKS)  # type: ignore[misc]
    for name, value in known.items():
        process, _, machine = name.decode().partition("@")
        told_s, ahead_s = map(float, value.split())
        if abs(now_s - told_s) <= FRESH_S:
            found[process, machine] = ahead_s
        elif abs(now_s - told_s) > KEPT_S:
            await redis.hdel(CLOCKS, name)  # type: ignore[misc]
    return found
