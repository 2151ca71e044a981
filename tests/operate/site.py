"""What an operator's stories have in common: a stack that trades while something is done to it, and rows to tell it by.

A story is a module with a coroutine `run(directory)`, which is given an empty directory of its own, does what an
operator has to do, within a minute or two, and gives a row for each thing it did.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bin.devstack.commands import Application
from bin.devstack.progress import say
from bin.devstack.stack import Stack
from tests import places
from tests.faults import killing
from tests.faults.checks import CHECKS
from tests.faults.draining import DRAINED_S
from tests.faults.killing import Moment
from tests.faults.running import Day, Result, play

COMPILED_S = 240.0  # Until a worker that has to compile its code first has cleared a market.
LOSSES = ("nothing acknowledged is lost", "cancelled orders are cancelled")
QUIET_S = 4.0  # Trading before the first thing is done, and after the last.


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was done, how many requests were sent meanwhile, and what became of them."""

    what: str
    requests: int = 0
    again: int = 0  # Had no answer, or that of a service that is away, and were sent again.
    lost: int = 0  # Were acknowledged, and what they did is not there.
    away_s: float = 0.0  # The longest time in which nobody was answered.
    broken: Sequence[str] = ()  # What was promised and not kept, a sentence each.


Story = Callable[[Path], Coroutine[Any, Any, Sequence[Row]]]
Act = Callable[[Stack], Awaitable[object]]


async def traded(
    what: str, directory: Path, act: Act, *, away_s_max: float, application: Application | None = None
) -> Row:
    """Trade on a durable stack of its own while an operator acts, and hold it to all that `bin/faults` does.

    away_s_max: for how long at most nobody may be answered.
    """
    return row_of(what, await played(what, directory, act, application), away_s_max)


async def played(what: str, directory: Path, act: Act, application: Application | None = None) -> Result:
    """Trade on a durable stack of its own while an operator acts; `places.prepare` has set the environment."""
    stack = places.stack_in(directory, application)

    async def disturb() -> None:
        url = stack.environment_for_clients()["DATABASE_URL"]
        await killing.comes(url, Moment.WORKING, datetime.now(UTC), COMPILED_S)
        await asyncio.sleep(QUIET_S)
        say(what)
        await act(stack)
        await asyncio.sleep(QUIET_S)

    return await places.during(stack, play(stack, Day(directory / "clock"), 1, disturb))


def row_of(what: str, result: Result, away_s_max: float, checks: Iterable[str] = CHECKS) -> Row:
    """What a run came to by some checks."""
    journal, faults = result.run.journal, {name: list(CHECKS[name](result.run)) for name in checks}
    away_s = journal.silence_s()
    said = [f"{name}: {fault}" for name, found in faults.items() for fault in found[:1]]
    if journal.unexpected:
        said.append(f"{journal.unexpected} answers were unexpected errors, and not that something is away")
    if away_s > away_s_max:
        said.append(f"nobody was answered for {away_s:.1f} s, at most {away_s_max:.1f} are promised")
    if result.left or result.drained_s > DRAINED_S:
        said.append(f"not finished after {result.drained_s:.0f} s: {result.left}")
    if not result.is_verified:
        said += [line for line in result.verified.splitlines() if not line.endswith("holds")][:3]
    lost = sum(len(found) for name, found in faults.items() if name in LOSSES)
    return Row(what, len(journal.asked), journal.lost.total(), lost, away_s, said)
