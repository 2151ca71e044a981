"""One user asks for 1,500 allocations: jobs of the platform and of others begin as if there were none."""

import asyncio
import itertools
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from api.house import load_jobs
from api.resources import database
from api.resources.database import Database
from domain.grid.words import MEASURE_GRID
from domain.jobs import queue
from domain.jobs.tables import Job
from domain.kernel.database import among, new_id
from domain.kernel.intervals import day_start
from domain.ledger.words import SUBMIT_PAYMENT
from domain.market.delivery.words import SETTLE_DELIVERIES
from domain.notifications.words import DELIVER_NOTIFICATIONS
from domain.sharing.words import ALLOCATE_PERIOD
from tests.attacks.site import Outcome, Site

JOBS = 1_500
DAYS = 60  # Their 1,770 spans are enough periods.
BEGUN_S = 3.0
PATIENCE_S = 120.0
PLATFORM = {MEASURE_GRID: "grid measurement", SETTLE_DELIVERIES: "settlement", DELIVER_NOTIFICATIONS: "mail"}
LISTED = "query Listed { communities(first: 50) { edges { node { id name timezone } } } }"
ALLOCATE = """mutation Allocate($input: AllocatePeriodInput!) {
    allocatePeriod(input: $input) { job { id } errors { message } } }"""
DEPOSIT = """mutation Deposit($input: RequestDepositInput!) {
    requestDeposit(input: $input) { payment { id } errors { message } } }"""


async def attack(site: Site) -> Outcome:
    """How long jobs wait before, and while the allocations are carried out."""
    load_jobs()
    outcome = Outcome()
    url = site.stack.environment_for_clients()["DATABASE_URL"]
    connected = database.connect(url, role=None, pool=2)
    try:
        listed = (await site.data(LISTED))["communities"]["edges"]
        community = next(each["node"] for each in listed if each["node"]["name"] == "Rue des Pins")
        await waits(site, connected, community)  # Until the worker is up.
        before = await waits(site, connected, community)
        await flood(site, community)
        meanwhile = await waits(site, connected, community)
        async with connected.transaction() as session:
            is_left = (Job.kind == ALLOCATE_PERIOD, Job.finished_at.is_(None))
            left = await session.scalar(select(func.count()).select_from(Job).where(*is_left))
    finally:
        await connected.close()
    outcome.figures.append(f"allocations still open when the others had begun: {left}")
    for name, waited_s in meanwhile.items():
        outcome.figures.append(f"{name}: began {before[name]:.2f} s after it was asked for; attacked {waited_s:.2f} s")
        outcome.tell(f"{name} began when attacked", waited_s, BEGUN_S, "s")
    return outcome


def periods(timezone: str) -> list[dict[str, str]]:
    """Different spans of whole local days that are over."""
    zone = ZoneInfo(timezone)
    today = datetime.now(UTC).astimezone(zone).date()
    starts = [day_start(today - timedelta(days=ago), zone).isoformat() for ago in range(DAYS, -1, -1)]
    return [{"start": start, "end": end} for start, end in itertools.combinations(starts, 2)][:JOBS]


async def flood(site: Site, community: Any) -> None:
    """Ask for all of them, twenty at once."""
    token, waiting = site.stack.logins()["admin_token"], periods(community["timezone"])

    async def ask() -> None:
        while waiting:
            given = {"input": {"communityId": community["id"], "period": waiting.pop()}}
            answer = (await site.data(ALLOCATE, given, token))["allocatePeriod"]
            assert answer["errors"] == [], answer

    await asyncio.gather(*(ask() for _ in range(20)))


async def waits(site: Site, connected: Database, community: Any) -> dict[str, float]:
    """How long one job of each kind waits until it begins, seconds."""
    probe, asked_at = time.monotonic_ns(), datetime.now(UTC)
    member = site.stack.logins()["member_token"]
    deposit = {"input": {"amount": "20", "idempotencyKey": f"attack {probe}"}}
    assert (await site.data(DEPOSIT, deposit, member))["requestDeposit"]["errors"] == []
    async with connected.transaction() as session:
        ids = {
            name: await queue.enqueue(session, kind, f"attack:{kind}:{probe}", {"at": asked_at.isoformat()})
            for kind, name in PLATFORM.items()
        }
        arguments = {
            "community_id": str(UUID(community["id"].partition(":")[2])),
            "actor": "attack",
            **periods(community["timezone"])[-1],
        }
        of_another = f"attack:allocate:{probe}"
        ids["another's allocation"] = await queue.enqueue(
            session, ALLOCATE_PERIOD, of_another, arguments, owner_id=new_id()
        )
        payment = select(Job.id).where(Job.kind == SUBMIT_PAYMENT).order_by(Job.created_at.desc()).limit(1)
        ids["a payment"] = (await session.execute(payment)).scalar_one()
    return await _begun(connected, ids)


async def _begun(connected: Database, ids: dict[str, UUID]) -> dict[str, float]:
    ends_at = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends_at:
        async with connected.transaction() as session:
            rows = list(await session.scalars(select(Job).where(among(Job.id, list(ids.values())))))
        if all(row.started_at for row in rows):
            break
        await asyncio.sleep(0.2)
    waited = {row.id: ((row.started_at or datetime.now(UTC)) - row.created_at).total_seconds() for row in rows}
    return {name: waited[id] for name, id in ids.items()}
