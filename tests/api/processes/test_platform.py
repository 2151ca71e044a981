"""What the platform is like beside one API: told to who asks, at a cost that is bounded, and by gauges."""

import asyncio
from datetime import UTC, datetime

import httpx2
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis
from sqlalchemy import text

from api.processes import platform
from api.processes.app import create_app
from api.processes.platform import Platform
from api.resources import clocks, database
from api.resources.settings import Settings
from domain.jobs import queue
from domain.market.clearing.words import CLEAR_MARKET

TOKEN = "a token of thirty-two characters"


async def tell(redis: Redis, *names: str, ahead_s: float = 0.0) -> None:
    """That processes are there, by `process@machine#number`."""
    for name in names:
        await redis.hset(clocks.CLOCKS, name, f"{datetime.now(UTC).timestamp():.0f} {ahead_s}")  # type: ignore[misc]


async def test_it_says_what_is_wrong_and_nothing_while_all_is_well(fresh_database: str, redis_url: str) -> None:
    connected, redis = database.connect(fresh_database, role="commonwatt_app", pool=2), Redis.from_url(redis_url)
    seen = Platform(connected, redis)

    alone = await seen.shown()
    await tell(redis, "relay@north#7", "worker@north#8", "worker@north#9")
    kept = await seen.shown()
    well = await Platform(connected, redis).shown()
    async with connected.transaction() as session:
        failed = await queue.enqueue(session, CLEAR_MARKET, "failed", {})
        await queue.fail(session, failed, "TIME_LIMIT", "It took too long.")
        await queue.enqueue(session, CLEAR_MARKET, "late", {})
        await session.execute(
            text("UPDATE job SET dispatch_after = now() - interval '40 s', attempts = 5 WHERE status = 'QUEUED'")
        )
    await tell(redis, "relay@south#1", ahead_s=-600)
    late = Platform(connected, redis)
    registry = CollectorRegistry()
    watching = asyncio.create_task(platform.watch(late, registry))
    ill = await late.shown()
    while not registry.get_sample_value("commonwatt_database_bytes"):
        await asyncio.sleep(0.01)
    watching.cancel()
    await redis.aclose()
    await connected.close()

    assert alone["problems"] == ["no relay tells that it is there", "no worker tells that it is there"]
    assert kept == alone  # For a second, however many ask.
    assert (well["status"], well["problems"], well["mode"]) == ("ok", [], "read-write")
    assert well["processes"] == {"relay": 1, "worker": 2}
    assert set(ill["problems"]) == {  # type: ignore[call-overload]
        "a machine's clock is wrong",
        "jobs wait for the relay",
        "jobs fail again and again",
    }
    assert ill["jobs"]["failedLastHour"] == 1  # type: ignore[index]
    assert 39 < (registry.get_sample_value("commonwatt_relay_late_seconds") or 0) < 60
    alive = {"process": "relay", "machine": "any"}
    assert registry.get_sample_value("commonwatt_processes_alive", alive) == 2
    assert registry.get_sample_value("commonwatt_read_only") == 0
    assert (registry.get_sample_value("commonwatt_database_bytes") or 0) > 1e6


async def test_a_database_and_a_redis_that_do_not_answer_are_problems_too() -> None:
    connected = database.connect("postgresql+asyncpg://nobody@127.0.0.1:1/x", role=None, pool=1)
    redis = Redis.from_url("redis://127.0.0.1:1")

    shown = await Platform(connected, redis).shown()
    await redis.aclose()
    await connected.close()

    assert shown["problems"] == ["the database does not answer", "Redis does not answer"]


async def test_it_asks_for_the_token_of_the_metrics_and_an_api_is_ready_without_a_relay(
    fresh_database: str, redis_url: str
) -> None:
    given = {"DATABASE_URL": fresh_database, "REDIS_URL": redis_url, "metrics_token": TOKEN}
    app = create_app(Settings.model_validate(given))
    transport = httpx2.ASGITransport(app=app)
    async with app.router.lifespan_context(app), httpx2.AsyncClient(transport=transport, base_url="http://a") as http:
        stranger = await http.get("/healthz/platform")
        asked = await http.get("/healthz/platform", headers={"authorization": f"Bearer {TOKEN}"})
        ready = await http.get("/readyz")

    assert stranger.status_code == 401
    assert (asked.status_code, asked.json()["status"]) == (200, "degraded")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    assert set(ready.json()["checks"]) == {"database", "redis", "clock"}
