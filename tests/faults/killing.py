"""Which process is killed when, and how: SIGKILL, to PostgreSQL with all of its children as a power cut would."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import asyncpg

from api.resources import database
from bin.devstack.processes import RESTARTS_MAX, RESTARTS_WITHIN_S
from bin.devstack.progress import say
from bin.devstack.stack import Stack
from tests.bench.measuring.usage import children_of

SERVICES = ("api", "worker", "relay", "valkey", "postgres")
EACH_AT_LEAST = 4
GAP_S = (2.5, 4.5)
# A process that ends more than RESTARTS_MAX times within RESTARTS_WITHIN_S is not started again; some are to spare,
# for one that finds what it needs away ends by itself.
ENDS_MAX = RESTARTS_MAX - 2
ENDS_WITH = {"valkey": ("valkey", "worker")}
WAITS_S = 25.0
# Held by a worker that took or renewed it just now: one that was killed has an older lease.
IS_SETTLING = """SELECT 1 FROM job WHERE kind = 'SETTLE_DELIVERIES' AND status = 'RUNNING'
    AND lease_until > clock_timestamp() + interval '3.9 seconds'"""


HAS_PLACED = "SELECT 1 FROM market_order WHERE placed_at > $1 LIMIT 1"
HAS_CLEARED = "SELECT 1 FROM job WHERE kind = 'CLEAR_MARKET' AND finished_at > $1 LIMIT 1"


class Moment(StrEnum):
    """What a kill waits for: nothing, that all services are back at work, or that a settlement runs."""

    AT_ONCE = "at once"
    WORKING = "working"
    SETTLING = "settling"


SHARES = {Moment.AT_ONCE: 2, Moment.WORKING: 5, Moment.SETTLING: 3}


@dataclass(frozen=True, slots=True)
class Kill:
    """A service to kill some time after the kill before it, and what it waits for then."""

    after_s: float
    service: str
    moment: Moment


@dataclass(frozen=True, slots=True)
class Killed:
    """A service that was killed, and whether a settlement was running."""

    service: str
    was_settling: bool


def plan(seed: int, kills: int) -> list[Kill]:
    """Kills of every service, at random but the same for a seed; never so many at once that a supervisor gives up."""
    chance = random.Random(seed)
    at_least = min(EACH_AT_LEAST, kills // len(SERVICES))
    services = list(SERVICES) * at_least
    services += chance.choices(SERVICES, k=kills - len(services))
    planned: list[Kill] = []
    ended_at: dict[str, list[float]] = {service: [] for service in SERVICES}
    now = 0.0
    while services:
        gap_s = chance.uniform(*GAP_S)
        while not (allowed := [service for service in services if _is_allowed(service, ended_at, now + gap_s)]):
            gap_s += 1.0
        service = chance.choice(allowed)
        services.remove(service)
        now += gap_s
        for process in ENDS_WITH.get(service, (service,)):
            ended_at[process].append(now)
        (moment,) = chance.choices(list(SHARES), list(SHARES.values()))
        planned.append(Kill(gap_s, service, moment))
    return planned


def _is_allowed(service: str, ended_at: dict[str, list[float]], at: float) -> bool:
    return all(
        sum(at - before < RESTARTS_WITHIN_S for before in ended_at[process]) < ENDS_MAX
        for process in ENDS_WITH.get(service, (service,))
    )


async def carry_out(planned: Sequence[Kill], stack: Stack, killed: list[Killed]) -> None:
    """Kill as planned, and note it; the supervisor brings each process back."""
    database_url = stack.environment_for_clients()["DATABASE_URL"]
    for kill in planned:
        since = datetime.now(UTC)
        await asyncio.sleep(kill.after_s)
        is_so = await comes(database_url, kill.moment, since)
        await kill_service(stack, kill.service)
        killed.append(Killed(kill.service, is_so and kill.moment is Moment.SETTLING))
        say(f"{len(killed)} of {len(planned)}: killed {kill.service}, {kill.moment}{'' if is_so else ' in vain'}")


async def kill_service(stack: Stack, service: str) -> None:
    """Kill a service with all that it started, by SIGKILL, as soon as it runs."""
    while (process_id := stack.process_id(service)) is None:
        await asyncio.sleep(0.05)
    kill_with(process_id, children_of(process_id) if service == "postgres" else [])


def kill_with(process_id: int, children: Sequence[int]) -> None:
    """Kill a process and some of its children, by SIGKILL."""
    for victim in (process_id, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)


async def comes(database_url: str, moment: Moment, since: datetime, within_s: float = WAITS_S) -> bool:
    """Wait for a moment; False when it does not come."""
    if moment is Moment.AT_ONCE:
        return True
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while True:
                with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    await _wait_for(database_url, moment, since)
                    return True
                await asyncio.sleep(0.1)
    return False


async def _wait_for(database_url: str, moment: Moment, since: datetime) -> None:
    """All services work when an order was placed and a market cleared since."""
    asked = [IS_SETTLING] if moment is Moment.SETTLING else [HAS_PLACED, HAS_CLEARED]
    given = () if moment is Moment.SETTLING else (since,)
    connected = database.connect(database_url, role=None, pool=1)
    try:
        for question in asked:
            while not await connected.fetch(question, given):
                await asyncio.sleep(0.01)
    finally:
        await connected.close()
