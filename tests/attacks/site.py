"""What is attacked, who asks it, and how long the answers take."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

from bin.devstack.stack import Stack

TIMES_MAX = 3.0  # How much slower light requests may be under attack, by their p99.
MEASURED_S = 30.0
UNSEEN_S = 0.020  # A p99 below this is never too slow: of a few milliseconds the scheduler takes its own.


@dataclass(slots=True)
class Outcome:
    """What was measured, and what was not kept; a sentence each."""

    figures: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def tell(self, what: str, value: float, limit: float, unit: str) -> None:
        """A figure that may not be above a limit."""
        told = f"{what}: {value:.1f} {unit} (at most {limit:.1f})"
        (self.broken if value > limit else self.figures).append(told)


@dataclass(frozen=True, slots=True)
class Site:
    """A running stack with demo data. `stack.logins()` has the tokens of an administrator and a member."""

    stack: Stack
    http: httpx2.AsyncClient

    async def ask(
        self, query: str, variables: dict[str, Any] | None = None, token: str | None = None
    ) -> httpx2.Response:
        """Send a document."""
        headers = {"authorization": f"Bearer {token}"} if token else {}
        content = {"query": query, "variables": variables or {}}
        return await self.http.post(f"{self.stack.url}/graphql", json=content, headers=headers)

    async def data(self, query: str, variables: dict[str, Any] | None = None, token: str | None = None) -> Any:
        """The data of an answer without errors."""
        answer = (await self.ask(query, variables, token)).json()
        assert not answer.get("errors"), answer
        return answer["data"]

    @asynccontextmanager
    async def elsewhere(self, number: int) -> AsyncIterator["Site"]:
        """The same site, asked from another address of this machine: 127.0.0.`number`."""
        transport = httpx2.AsyncHTTPTransport(
            local_address=f"127.0.0.{number}", limits=httpx2.Limits(max_connections=100)
        )
        async with httpx2.AsyncClient(transport=transport, trust_env=False, timeout=30) as http:
            yield Site(self.stack, http)


async def seconds_of(ask: Callable[[], Awaitable[object]], count: int, pause_s: float = 0.01) -> list[float]:
    """How long each of some requests takes, sent one after another for half a minute; for ever where one fails."""
    took: list[float] = []
    ends_at = time.perf_counter() + MEASURED_S
    while len(took) < count and (began_at := time.perf_counter()) < ends_at:
        try:
            await ask()
            took.append(time.perf_counter() - began_at)
        except (AssertionError, httpx2.HTTPError):
            took.append(math.inf)
        await asyncio.sleep(pause_s)
    return took


def p99(seconds: Sequence[float]) -> float:
    """The 99th percentile, the next higher of them."""
    return sorted(seconds)[min(len(seconds) - 1, len(seconds) * 99 // 100)]


@asynccontextmanager
async def meanwhile(*work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Work that goes on during a block and ends with it."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def compare(
    outcome: Outcome,
    light: Mapping[str, Callable[[], Awaitable[object]]],
    attack: Callable[[], Sequence[Coroutine[Any, Any, object]]],
    count: int = 300,
) -> None:
    """Of each light request the p99 when nothing else is asked and during an attack, which may be TIMES_MAX of it."""
    idle = {name: p99(await seconds_of(ask, count)) for name, ask in light.items()}
    async with meanwhile(*attack()):
        await asyncio.sleep(1)  # Until it is under way.
        attacked = {name: p99(await seconds_of(ask, count)) for name, ask in light.items()}
    for name, before in idle.items():
        outcome.figures.append(
            f"{name}: p99 {before * 1e3:.1f} ms idle, {attacked[name] / before:.1f} times it attacked"
        )
        outcome.tell(f"{name}: p99 attacked", attacked[name] * 1e3, max(TIMES_MAX * before, UNSEEN_S) * 1e3, "ms")
