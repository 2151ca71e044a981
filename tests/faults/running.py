"""A run from the first request to the last check."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx2

from api.resources import clock, database
from bin.devstack.installation import ROOT
from bin.devstack.stack import Stack
from tests.faults import draining, facts, world
from tests.faults.checks import Run
from tests.faults.client import Api
from tests.faults.facts import Facts
from tests.faults.journal import Act, Journal, Told
from tests.faults.load import CLIENTS, Desk
from tests.faults.world import MORNING, World

SPEED = 60  # Seconds of the day that pass in a second.
ANSWERED_S = 30.0
CAUGHT_UP_S = 10.0
Disturbance = Callable[[], Awaitable[object]]


class Day:
    """The day's time, moved on in the file that tells it to all processes."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._now = MORNING
        clock.move_to(file, self._now)

    def now(self) -> datetime:
        """What time it is there."""
        return self._now

    async def pass_by(self) -> None:
        """Let time pass until cancelled; then it stands."""
        began_at = time.monotonic()
        while True:
            self._now = MORNING + timedelta(seconds=SPEED * (time.monotonic() - began_at))
            clock.move_to(self._file, self._now)
            await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run: `left` is what was not finished, `verified` what `api.verify` said."""

    run: Run
    drained_s: float
    left: dict[str, int]
    verified: str
    is_verified: bool


async def play(stack: Stack, day: Day, seed: int, disturb: Disturbance, *, has_keys: bool = True) -> Result:
    """Trade while something is done to the stack, let everything end, and read what there is."""
    url = stack.environment_for_clients()["DATABASE_URL"]
    made = await world.make(url, seed)
    if not has_keys:
        await world.forget_keys(url)
    connected = database.connect(url, role=None, pool=2, statement_seconds=None)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(connected.close)
        api = Api(await closing.enter_async_context(httpx2.AsyncClient(trust_env=False)), stack.url, Journal())
        seen: dict[UUID, list[UUID]] = {market_id: [] for market_id in made.market_ids}
        token = made.traders[0].token
        async with at_once(*(api.trades(market_id, token, trades) for market_id, trades in seen.items())):
            ended_at = await _trade(day, api, made, seed, disturb)
            left = await draining.drained(connected, day.now())
            drained_s = time.monotonic() - ended_at
            await draining.answered(connected)
            there = await facts.read(connected, day.now())
            await _catch_up(seen, there)
        run = Run(api.journal, there, seen, await _again(api, seed))
        await draining.drained(connected, day.now())  # What the last questions began.
    return Result(run, drained_s, left, *await verify(stack.environment_for_clients()))


@asynccontextmanager
async def at_once(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Work that goes on during a block and ends with it."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _trade(day: Day, api: Api, made: World, seed: int, disturb: Disturbance) -> float:
    """Clients work and the day passes until all is done to the stack, when the clock stops; gives when that was.

    What is not acknowledged by then may still be.
    """
    is_over = asyncio.Event()
    desks = [Desk(number, seed, made, api, day.now) for number in range(CLIENTS)]
    async with at_once(*(desk.work(is_over) for desk in desks)) as working:
        async with at_once(day.pass_by()):
            await disturb()
        ended_at = time.monotonic()
        is_over.set()
        done, _ = await asyncio.wait(working, timeout=ANSWERED_S)
        for task in done:
            task.result()
    return ended_at


async def _catch_up(seen: dict[UUID, list[UUID]], there: Facts) -> None:
    """Let followers read what there is; the checks tell if they do not."""
    deadline = time.monotonic() + CAUGHT_UP_S
    while time.monotonic() < deadline:
        if all(len(seen[market_id]) >= len(trades) for market_id, trades in there.trades.items()):
            return
        await asyncio.sleep(0.1)


async def _again(api: Api, seed: int) -> dict[str, Told | None]:
    """What each key tells that made something, asked once more."""
    journal = api.journal
    waiting = list(journal.done(Act.PLACE, Act.AMEND, Act.DEPOSIT))
    Random(seed).shuffle(waiting)
    told: dict[str, Told | None] = {}

    async def ask() -> None:
        while waiting:
            key = waiting.pop()
            told[key] = await api.ask(journal.asked[key])

    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    return told


async def verify(environment: Mapping[str, str]) -> tuple[str, bool]:
    """What `api.verify` says, and whether it found no breach."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "api.verify"),
        cwd=ROOT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return said.decode(), process.returncode == 0
