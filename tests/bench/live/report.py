"""The part of docs/benchmarks.md about subscriptions."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from tests.bench.live.following import OURS, PEER
from tests.bench.live.judging import MANY, SOME, gates, of
from tests.bench.live.measuring import Point
from tests.bench.measuring import document
from tests.bench.measuring.gates import middle
from tests.bench.measuring.plots import COLOURS, Panel, svg

ABOUT = """\
## Live events

    bin/bench live [--quick] [--rounds 3]

Every socket speaks graphql-transport-ws and follows `priceTicks` of one market; the Node process that holds all
sockets is the same for both servers. *Burst*: 30 events published together, deliveries per second until the last
arrival (the middle of three bursts). *Latency*: 40 events at 5 events/s, from before each is published to its arrival.

- **commonwatt**: the API as `bin/up` starts it, one process, sockets of 100 signed-in users (100 each, the usual
  limit); events are committed to the durable feed in PostgreSQL and announced by the running relay, as a clearing does.
- **graphql-ws**: graphql-ws on ws and graphql-js on Node 22 (`tests/bench/peers/graphql_ws.mjs`), one process, without
  authentication; the same payloads through Redis pub/sub, stored nowhere.

Figures are medians over {rounds} rounds, each with servers started afresh.
"""
COLUMNS = {
    "deliveries/s in a burst": "burst_per_s",
    "first socket ms": "first_ms",
    "p50 ms": "p50_ms",
    "p99 ms": "p99_ms",
    "dropped": "dropped",
    "KiB per socket": "kib_per_socket",
    "server CPU µs per delivery": "server_cpu_us",
    "client CPU µs per delivery": "client_cpu_us",
    "seconds to connect all": "connect_s",
    "subscribed again after a refusal": "retried",
}
HIGHER = ("deliveries/s in a burst",)


def section(facts: Mapping[str, str], points: Sequence[Mapping[str, Any]]) -> str:
    """Text and tables."""
    measured = [Point(**point) for point in points]
    rounds = 1 + max(point.round for point in measured)
    tables = [f"### {sockets:,} sockets\n\n" + _table(measured, sockets) for sockets in (SOME, MANY)]
    return "\n".join(
        [
            ABOUT.format(rounds=rounds),
            document.facts_list(facts),
            "### Gates of live events\n\n" + document.gates_table(gates(measured)),
            "### What loses live\n\n" + (_lost(measured) or f"Nothing that was compared with {PEER}.\n"),
            "![deliveries, latency and memory](benchmarks/live.svg)\n",
            *tables,
        ]
    )


def _middle(points: list[Point], sockets: int, server: str, column: str) -> float | None:
    return middle(of(points, sockets, server), attrgetter(COLUMNS[column]))


def _table(points: list[Point], sockets: int) -> str:
    servers = [server for server in (OURS, PEER) if of(points, sockets, server)]
    rows = [[server, *(_middle(points, sockets, server, column) for column in COLUMNS)] for server in servers]
    return document.table(["server", *COLUMNS], rows)


def _lost(points: list[Point]) -> str:
    lines = []
    for column in COLUMNS:
        ours, theirs = (_middle(points, SOME, server, column) for server in (OURS, PEER))
        if ours is None or theirs is None or column.startswith("client"):
            continue
        if ours < theirs if column in HIGHER else ours > theirs:
            lines.append(f"- {SOME:,} sockets, {column}: {ours:,.2f} against {theirs:,.2f}\n")
    return "".join(lines)


def plots(points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Pictures by file name."""
    measured = [Point(**point) for point in points]
    panels = []
    for column in ("deliveries/s in a burst", "p99 ms", "KiB per socket"):
        bars = {}
        for server, sockets in ((OURS, SOME), (PEER, SOME), (OURS, MANY)):
            value = _middle(measured, sockets, server, column)
            if value is not None:
                bars[f"{server} {sockets:,}"] = [value]
        panels.append(Panel(column, bars))
    colours = {f"{PEER} {SOME:,}": COLOURS[1]}
    return {"live.svg": svg("Live events", "by server and number of sockets", panels, colours)}
