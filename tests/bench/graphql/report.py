"""The part of docs/benchmarks.md about queries."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.graphql.judging import BUSY, FLOOR, SERVERS, Judged
from tests.bench.graphql.measuring import Point
from tests.bench.graphql.operations import NAIVE, OPERATIONS, OURS, POSTGRAPHILE
from tests.bench.measuring import document
from tests.bench.measuring.plots import COLOURS as PALETTE
from tests.bench.measuring.plots import Panel, svg

COLOURS = dict(zip(SERVERS, PALETTE, strict=True))
HEAD = ["server", "req/s", f"over {POSTGRAPHILE}", "over floor", "p50 ms", "p99 ms", "server CPU µs", "database CPU µs"]

ABOUT = """\
## Queries

    bin/bench graphql [--quick] [--rounds 3] [--seconds 2]

The data: 500 substation areas, 2,000 communities with boundaries of 61 points, 100,000 members, 1,000,000 trades with
their orders and clearings, in our own schema; a durable PostgreSQL (fsync on) on the same machine, all of it cached.
Before and after measuring, the data of every read was compared between the servers and found equal.

- **commonwatt**: the product as `bin/up` starts it (one uvicorn process), with authentication, limits, rates and audit
  on; only the page limit and the budgets are raised by their settings. The caller administers a hundred communities
  and is no administrator of the platform, so that visibility is a real predicate.
- **postgraphile**: PostGraphile 5, Amber preset, Grafserv on Node 22, one process, over plain views
  (`tests/bench/peers/views.sql`), without authentication or any predicate. GeoJSON comes from our stored text.
- **naive**: Strawberry with ORM objects, data loaders, standard JSON and no caches (`tests/bench/peers/naive.py`),
  without authentication or limits.
- **floor**: pgbench over a unix socket with prepared statements: the very statements our server sends, as PostgreSQL
  logged them; for the order, a plain insert. **floor by hand**: SQL for the same JSON without visibility, written by
  hand (`tests/bench/graphql/by_hand`). The "p50" of a floor is its mean. Some large answers come faster through our
  server than through pgbench: processes of PostgreSQL that have served large reads have their memory, new ones do not.

wrk, one thread, keeps 1 or 32 connections busy; each point is warmed up first, the servers follow one another within a
round, and figures are medians over {rounds} rounds.
"""


def section(facts: Mapping[str, str], points: Sequence[Mapping[str, Any]]) -> str:
    """Text and tables."""
    judged = Judged(Point(**point) for point in points)
    gates = judged.gates()
    rounds = 1 + max(point.round for point in judged.points)
    parts = [
        ABOUT.format(rounds=rounds),
        document.facts_list(facts),
        f"### Gates, at {BUSY} connections\n\n" + document.gates_table(gates),
        "### What loses\n\n" + _lost(judged),
        "![requests per second](benchmarks/throughput.svg)\n",
        "![p99](benchmarks/p99.svg)\n",
        "![processor time](benchmarks/cpu.svg)\n",
        *(_operation(judged, operation.name, operation.title) for operation in OPERATIONS),
        "### Memory\n\n" + _memory(judged),
    ]
    return "\n".join(parts)


def _lost(judged: Judged) -> str:
    lost = [f"- {line}\n" for line in judged.lost()]
    return "".join(lost) or "Nothing that was compared with a peer.\n"


def _operation(judged: Judged, name: str, title: str) -> str:
    parts = [f"### {name}: {title}\n"]
    for connections in sorted({point.connections for point in judged.points}):
        rows = [_row(judged, name, connections, server) for server in SERVERS]
        shown = [row for row in rows if row[1] is not None]
        parts.append(document.table([f"c={connections}", *HEAD[1:]], shown))
    return "\n".join(parts)


def _row(judged: Judged, name: str, connections: int, server: str) -> list[float | str | None]:
    values = {
        column: judged.middle(name, connections, server, column)
        for column in ("per_s", "p50_ms", "p99_ms", "server_cpu_us", "database_cpu_us")
    }
    over = [judged.ratio(name, connections, "per_s", server, other) for other in (POSTGRAPHILE, FLOOR)]
    return [server, values.pop("per_s"), *over, *values.values()]


def _memory(judged: Judged) -> str:
    rows = [[server, judged.rss_mib(server)] for server in (OURS, POSTGRAPHILE, NAIVE)]
    return document.table(["server", "resident memory MiB, median over all points"], rows)


def _panels(judged: Judged, name: str) -> list[Panel]:
    """A panel for each operation at the busy number of connections."""
    panels = []
    for operation in OPERATIONS:
        values = {server: judged.middle(operation.name, BUSY, server, name) for server in SERVERS}
        bars = {server: [value] for server, value in values.items() if value is not None}
        panels.append(Panel(f"{operation.name}: {operation.title}", bars))
    return panels


def _cpu(judged: Judged) -> list[Panel]:
    panels = []
    for operation in OPERATIONS:
        bars = {}
        for server in (OURS, POSTGRAPHILE, NAIVE):
            names = ("server_cpu_us", "database_cpu_us")
            values = [judged.middle(operation.name, BUSY, server, name) for name in names]
            bars[server] = [value for value in values if value is not None]
        panels.append(Panel(f"{operation.name}: {operation.title}", bars))
    return panels


def plots(points: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Pictures by file name."""
    judged = Judged(Point(**point) for point in points)
    busy = f"{BUSY} connections"
    return {
        "throughput.svg": svg(f"Throughput, {busy}", "requests per second", _panels(judged, "per_s"), COLOURS),
        "p99.svg": svg(f"Slowest hundredth, {busy}", "p99 ms", _panels(judged, "p99_ms"), COLOURS),
        "cpu.svg": svg(f"Processor time, {busy}", "µs per request: server + database", _cpu(judged), COLOURS),
    }
