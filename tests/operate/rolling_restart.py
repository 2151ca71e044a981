"""Three APIs behind nginx are restarted one after another while clients read, change things and follow: nobody notices.

What nobody notices is more than what is promised, which is that nothing is lost but what may be sent again; a POST that
is lost between nginx and an API would be sent again by who has an idempotency key.
"""

import asyncio
import json
import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from bin.devstack.commands import Application
from bin.devstack.progress import say
from bin.devstack.stack import Stack
from tests import places
from tests.faults.running import at_once
from tests.operate import fleet
from tests.operate.site import Row, traded

DRAIN_S, STOP_S = 1.0, 10.0
AWAY_S_MAX = 2.0
WITHIN_S = 180.0
PAUSE_S, SOCKET_PAUSE_S = 0.1, 0.25  # Of a reader or a socket between two questions.
READERS, FOLLOWERS = 4, 8
BACK_S_MAX = 3.0  # Until a socket that was closed is open again.
COMING_BACK = (1001, 1012)
ANYTHING = {"query": "{ markets(first: 1) { edges { node { id } } } }"}  # A point, of which strangers have 100/s.


@dataclass
class Seen:
    """What became of requests and sockets, each by how it ended."""

    answered: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    closed: Counter[int] = field(default_factory=Counter)
    back_s: list[float] = field(default_factory=list)


async def run(directory: Path) -> Sequence[Row]:
    """Restart them in turn."""
    what = "three APIs behind nginx restarted in turn"
    if fleet.program() is None:
        say(f"{what}: needs nginx, left out")
        return []
    places.prepare(directory)
    places.with_cluster(directory)
    os.environ |= {"COMMONWATT_DRAIN_S": str(DRAIN_S), "COMMONWATT_STOP_S": str(STOP_S)}
    os.environ["COMMONWATT_TRUSTED_PROXIES"] = '["127.0.0.1/32"]'
    seen, ends = Seen(), list[dict[str, float]]()

    async def roll(stack: Stack) -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as http:
            readers = [_read(http, stack.url, number, seen) for number in range(READERS)]
            followers = [_follow(stack.url, seen) for _ in range(FOLLOWERS)]
            async with at_once(*readers, *followers):
                await asyncio.sleep(2)
                ends.extend(await _restarted(stack))
                await asyncio.sleep(2)

    application = replace(Application(), api=("-m", fleet.__name__))
    changed = await traded(what, directory, roll, away_s_max=AWAY_S_MAX, application=application)
    return [replace(changed, broken=[*changed.broken, *_wrong(ends)]), *_rows(seen)]


async def _restarted(stack: Stack) -> list[dict[str, float]]:
    """How each ended and came back."""
    told = fleet.told_in(stack.environment_for_clients())
    told.unlink(missing_ok=True)
    process_id = stack.process_id("api")
    assert process_id is not None
    os.kill(process_id, signal.SIGUSR1)
    async with asyncio.timeout(WITHIN_S):
        while not told.exists():
            await asyncio.sleep(PAUSE_S)
    ends: list[dict[str, float]] = json.loads(told.read_text())
    return ends


async def _read(http: httpx2.AsyncClient, url: str, number: int, seen: Seen) -> None:
    """Ask for ever, by GET or by POST; each request has one try."""
    while True:
        kind = "GET" if number % 2 else "POST"
        try:
            if kind == "GET":
                answer = await http.get(f"{url}/graphql", params=ANYTHING)
            else:
                answer = await http.post(f"{url}/graphql", json=ANYTHING)
            if answer.status_code == 200 and "errors" not in answer.json():
                seen.answered[kind] += 1
            else:
                seen.lost.append(f"{kind} {answer.status_code} {answer.text[:80]!r}")
        except httpx2.HTTPError as error:
            seen.lost.append(f"{kind} {type(error).__name__}")
        await asyncio.sleep(PAUSE_S)


async def _follow(url: str, seen: Seen) -> None:
    """Hold a socket for ever, and open it anew whenever it is closed."""
    lost_at: float | None = None
    while True:
        try:
            protocol = Subprotocol("graphql-transport-ws")
            async with connect(f"ws{url.removeprefix('http')}/graphql", subprotocols=[protocol]) as opened:
                await opened.send(json.dumps({"type": "connection_init"}))
                await opened.recv()
                if lost_at is not None:
                    seen.back_s.append(time.monotonic() - lost_at)
                await _asked_over(opened, seen)
        except ConnectionClosed as closed:
            seen.closed[closed.rcvd.code if closed.rcvd else 1006] += 1
        except (WebSocketException, OSError, TimeoutError) as error:
            seen.lost.append(f"socket {type(error).__name__}")
        lost_at = time.monotonic()
        await asyncio.sleep(0.05)


async def _asked_over(opened: Any, seen: Seen) -> None:
    """Ask over a socket again and again; each question that was sent before the close is answered before it."""
    number = 0
    while True:
        number += 1
        await opened.send(json.dumps({"id": str(number), "type": "subscribe", "payload": ANYTHING}))
        async with asyncio.timeout(30):
            while json.loads(await opened.recv()).get("type") != "complete":
                pass
        seen.answered["socket"] += 1
        await asyncio.sleep(SOCKET_PAUSE_S)


def _wrong(ends: Sequence[dict[str, float]]) -> list[str]:
    """What was promised of each restart and not kept."""
    within_s = DRAIN_S + STOP_S
    found = [f"an API ended with status {end['status']:.0f}" for end in ends if end["status"]]
    found += [f"an API took {end['ended_s']:.1f} s to end" for end in ends if end["ended_s"] > within_s]
    return found if ends else ["no API was restarted"]


def _rows(seen: Seen) -> list[Row]:
    asked = seen.answered["GET"] + seen.answered["POST"]
    lost = [line for line in seen.lost if not line.startswith("socket")]
    odd = {code: count for code, count in seen.closed.items() if code not in COMING_BACK}
    refused = [line for line in seen.lost if line.startswith("socket")]
    away_s = max(seen.back_s, default=0.0)
    sockets = [f"sockets closed otherwise: {odd}"] if odd else []
    sockets += refused[:2]
    if away_s > BACK_S_MAX:
        sockets.append(f"a socket was away for {away_s:.1f} s")
    return [
        Row("  queries meanwhile, each sent once", asked + len(lost), lost=len(lost), broken=lost[:3]),
        Row(
            f"  sockets meanwhile, closed {sum(seen.closed.values())} times",
            seen.answered["socket"],
            sum(seen.closed.values()),
            len(refused),
            away_s,
            sockets,
        ),
    ]
