"""Who has metrics shows the clocks of who has none, as long as these tell."""

import asyncio
import os

import pytest
from redis.asyncio import Redis

from api.resources import clock, clocks


async def test_what_was_told_is_known_until_it_is_stale(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "ahead_s", lambda: -600.25)
    monkeypatch.setattr("socket.gethostname", lambda: "north@1")
    redis = Redis.from_url(redis_url)
    now_s = clock.outside().timestamp()
    stale, gone = f"{now_s - 20:.0f} 3.5", f"{now_s - 4_000:.0f} 1"
    await redis.hset(clocks.CLOCKS, mapping={"relay@south": stale, "worker@west": gone})

    telling = asyncio.create_task(clocks.tell(redis, "worker"))
    async with asyncio.timeout(5):
        while not (found := await clocks.told(redis)).alive:
            await asyncio.sleep(0.01)
    telling.cancel()
    left = await redis.hkeys(clocks.CLOCKS)
    await redis.aclose()

    assert found.ahead_s == {("worker", "north@1"): -600.25}
    assert found.alive == {("worker", "north@1"): 1}
    assert sorted(left) == [b"relay@south", f"worker@north@1#{os.getpid()}".encode()]
