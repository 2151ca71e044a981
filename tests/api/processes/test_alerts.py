"""Each alert is quiet until its cause, and fires then: rules of docs/operations/alerts.yml on scrapes of a stack."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from api.failures import counters
from api.processes import gauges, platform
from api.processes.app import create_app
from api.resources import clock, clocks, database
from api.resources.database import Database
from api.resources.settings import Settings
from bin.mapping import ROOT
from domain.audit.tables import Verification
from domain.events import notices
from domain.events.notices import NewNotice
from domain.jobs import queue
from domain.ledger.tables import Payment, PaymentKind
from domain.ledger.words import PAYMENT
from domain.market.clearing.words import CLEAR_MARKET
from domain.notifications import deliveries, making
from domain.notifications.attempts import Result
from domain.notifications.tables import NotificationOutcome
from tests.api.processes.alerting import Scrape, rules, scrape
from tests.factories.identity import a_user
from tests.factories.market import BUY, a_market, a_trader, an_order

RULES = {rule.name: rule for rule in rules(ROOT / "docs/operations/alerts.yml")}
QUERY = {"query": "{ markets(first: 1) { edges { node { id } } } }"}


@dataclass(frozen=True)
class Stack:
    """An API as it is scraped, and what it stands on."""

    client: httpx2.AsyncClient
    database: Database
    owner: Database
    redis: Redis

    async def scraped(self) -> Scrape:
        return scrape((await self.client.get("/metrics")).text)

    async def ask(self) -> None:
        await self.client.post("/graphql", json=QUERY)

    async def change(self, statement: str) -> None:
        async with self.owner.transaction() as session:
            await session.execute(text(statement))


@pytest.fixture
async def stack(fresh_database: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stack]:
    for module, name in ((gauges, "LOOK_S"), (counters, "LOOK_S"), (platform, "GAUGES_S"), (platform, "KEPT_S")):
        monkeypatch.setattr(module, name, 0.05)
    async with standing(fresh_database, redis_url) as made:
        await made.redis.hset(  # type: ignore[misc]
            clocks.CLOCKS,
            mapping={f"{each}@north#1": f"{datetime.now(UTC).timestamp():.0f} 0" for each in ("relay", "worker")},
        )
        yield made


@asynccontextmanager
async def standing(url: str, redis_url: str) -> AsyncIterator[Stack]:
    app = create_app(Settings.model_validate({"DATABASE_URL": url, "REDIS_URL": redis_url, "rate_capacity": 1_000_000}))
    connected, owner = database.connect(url, role="commonwatt_app", pool=2), database.connect(url, role=None, pool=2)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as client,
        Redis.from_url(redis_url) as redis,
    ):
        yield Stack(client, connected, owner, redis)
    await connected.close()
    await owner.close()


# Causes: what goes wrong in real operation, made happen.


async def undo_migrations(stack: Stack) -> None:
    await stack.change("DROP TABLE alembic_version")


async def break_reads(stack: Stack) -> None:
    await stack.change("ALTER TABLE IF EXISTS market RENAME TO market_lost")
    await stack.ask()


async def hold_up(stack: Stack) -> None:
    async with stack.owner.transaction() as session:
        await session.execute(text("LOCK TABLE market IN ACCESS EXCLUSIVE MODE"))
        asking = asyncio.create_task(stack.ask())
        await asyncio.sleep(1.1)
    await asking


async def leave_waiting(stack: Stack) -> None:
    """As if neither relay nor worker had come to a job for an hour."""
    async with stack.database.transaction() as session:
        await queue.enqueue(session, CLEAR_MARKET, "waits", {})
    past = "now() - interval '1 hour'"
    await stack.change(f"UPDATE job SET created_at = {past}, dispatch_after = {past}")


async def end_workers(stack: Stack) -> None:
    await stack.redis.hdel(clocks.CLOCKS, "worker@north#1")  # type: ignore[misc]


async def fail_a_job(stack: Stack) -> None:
    async with stack.database.transaction() as session:
        job_id = await queue.enqueue(session, CLEAR_MARKET, f"fails {datetime.now(UTC)}", {})
        await queue.fail(session, job_id, "TIME_LIMIT", "It took too long.")


async def forget_a_market(stack: Stack) -> None:
    async with stack.database.transaction() as session:
        market = await a_market(session)
        await an_order(session, await a_trader(session), market, BUY)
        await session.execute(text("UPDATE market SET last_batch = extract(epoch FROM now())::bigint + 600"))


async def step_the_clock(stack: Stack) -> None:
    async def told(_: str) -> tuple[datetime]:
        return (datetime.now(UTC) - timedelta(seconds=30),)

    await clock.measure(told)


async def give_up_a_mail(stack: Stack) -> None:
    now = datetime.now(UTC)
    async with stack.database.transaction() as session:
        user = await a_user(session)
        await notices.tell(session, [NewNotice(user.id, PAYMENT, {})])
        await making.take_notices(session, now=now, limit=10)
        (attempt,) = await deliveries.hand_out(session, now=now, limit=1)
        await deliveries.record(session, attempt, Result(NotificationOutcome.REJECTED, 550, is_final=True), now=now)


async def leave_a_payment(stack: Stack) -> None:
    past = datetime.now(UTC) - timedelta(hours=1)
    async with stack.database.transaction() as session:
        owner = await a_user(session)
        facts = {"kind": PaymentKind.DEPOSIT, "amount_ueur": 10_000_000, "requested_at": past, "asked_at": past}
        session.add(Payment(owner_id=owner.id, **facts))


async def find_a_breach(stack: Stack) -> None:
    now, breach = datetime.now(UTC), [{"check": "I6 audit", "message": "entry 3: its hash is another"}]
    async with stack.database.transaction() as session:
        ran = {"started_at": now, "finished_at": now, "checks": ["I6 audit"]}
        session.add(Verification(**ran, breaches_count=1, breaches=breach))


CAUSES: dict[str, Callable[[Stack], Awaitable[None]]] = {
    "CommonwattNotReady": undo_migrations,
    "CommonwattErrors": break_reads,
    "CommonwattSlow": hold_up,
    "CommonwattRelayLate": leave_waiting,
    "CommonwattWorkersGone": end_workers,
    "CommonwattJobsWait": leave_waiting,
    "CommonwattJobsFailed": fail_a_job,
    "CommonwattMarketsLate": forget_a_market,
    "CommonwattClockWrong": step_the_clock,
    "CommonwattMessagesGivenUp": give_up_a_mail,
    "CommonwattPaymentsWait": leave_a_payment,
    "CommonwattInvariantsBroken": find_a_breach,
}


@pytest.mark.parametrize("name", sorted(RULES))
async def test_an_alert_fires_by_its_cause_and_not_before(stack: Stack, name: str) -> None:
    rule = RULES[name]
    await stack.ask()
    before = await stack.scraped()
    while not rule.names() <= {name for name, _ in before}:
        await asyncio.sleep(0.02)
        before = await stack.scraped()
    await stack.ask()
    async with asyncio.timeout(5):  # The first looks may be older than the worker.
        while rule.fires(before, await stack.scraped()):
            await asyncio.sleep(0.05)

    try:
        async with asyncio.timeout(15):
            await CAUSES[name](stack)
            while not rule.fires(before, await stack.scraped()):
                await asyncio.sleep(0.05)
                if name == "CommonwattErrors":  # The first of a kind begins a series, which has not increased yet.
                    before = await stack.scraped()
                    await CAUSES[name](stack)
    finally:
        await clock.measure(stack.database.fetch)


def test_there_are_twelve_and_each_is_explained() -> None:
    explained = re.findall(r"^\| (Commonwatt\w+) \|", (ROOT / "docs/operations/alerts.md").read_text(), re.MULTILINE)

    assert len(RULES) == 12
    assert explained == list(RULES)
    assert set(CAUSES) == set(RULES)
