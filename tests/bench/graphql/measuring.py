"""Points: one operation on one server at one number of connections in one round."""

import contextlib
import json
import time
import urllib.request
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from bin.devstack.health import DIRECTLY
from tests.bench.graphql import load
from tests.bench.graphql.data import ADMIN_TOKEN
from tests.bench.graphql.load import LoadFailed, Script
from tests.bench.graphql.operations import COMMUNITIES_ASKED, OPERATIONS, OURS, Operation, World, comparable
from tests.bench.graphql.servers import Place
from tests.bench.measuring import usage
from tests.bench.measuring.running import Server


class AnswersDiffer(Exception):
    """Two servers gave different data to the same operation, or one gave errors."""


@dataclass(frozen=True, slots=True)
class Point:
    """What one measurement gave; times of processors are per request."""

    operation: str
    server: str
    connections: int
    round: int
    per_s: float
    p50_ms: float
    p99_ms: float | None
    server_cpu_us: float | None
    database_cpu_us: float
    rss_mib: float | None


@dataclass
class Bench:
    """The cluster, the servers on it and what was measured."""

    place: Place
    servers: Sequence[Server]
    floors: dict[str, dict[str, Script]]
    world: World
    seconds: float
    unanswered: Collection[tuple[str, str]] = ()
    points: list[Point] = field(default_factory=list)

    def warm_up(self, seconds: float) -> None:
        """Let compilers, caches and connections settle."""
        for operation in OPERATIONS:
            for server in self._answering(operation):
                with contextlib.suppress(LoadFailed):  # Measuring tells.
                    load.post(server.url, self._bodies(operation, server), token(server), 32, seconds)
                usage.wait_until_idle(server.process_id)

    def run_round(self, number: int, connections: Sequence[int]) -> None:
        """Every operation and number of connections: all servers and floors, one straight after another."""
        for operation in OPERATIONS:
            for count in connections:
                servers = self._answering(operation)
                turn = number % len(servers)
                for server in [*servers[turn:], *servers[:turn]]:
                    try:
                        self.points.append(self._of_server(operation, server, count, number))
                    except LoadFailed as reason:
                        print(f"{server.name} {operation.name} c={count}: {reason}", flush=True)
                        usage.wait_until_idle(server.process_id)
                for name, scripts in self.floors.items():
                    if operation.name in scripts:
                        self.points.append(self._of_floor(operation, name, scripts[operation.name], count, number))
                self._print(operation, count, number)

    def _answering(self, operation: Operation) -> list[Server]:
        return [server for server in self.servers if (server.name, operation.name) not in self.unanswered]

    def _of_server(self, operation: Operation, server: Server, connections: int, number: int) -> Point:
        bodies = self._bodies(operation, server)
        cluster = usage.Cluster.of(self.place.sockets / "data")
        before = usage.cpu_s(server.process_id), cluster.cpu_s()
        seen = load.post(server.url, bodies, token(server), connections, self.seconds)
        after = usage.cpu_s(server.process_id), cluster.cpu_s()
        server_us, database_us = (1e6 * (b - a) / seen.requests for a, b in zip(before, after, strict=True))
        rss_mib = usage.rss_bytes(server.process_id) / 2**20
        usage.wait_until_idle(server.process_id)  # It still answers what the generator no longer waits for.
        return Point(
            operation.name,
            server.name,
            connections,
            number,
            seen.per_s,
            seen.p50_ms,
            seen.p99_ms,
            server_us,
            database_us,
            rss_mib,
        )

    def _of_floor(self, operation: Operation, name: str, script: Script, connections: int, number: int) -> Point:
        cluster = usage.Cluster.of(self.place.sockets / "data")
        before = cluster.cpu_s()
        seen = load.pgbench(
            self.place.installation, self.place.sockets, script, connections, max(round(self.seconds), 1)
        )
        time.sleep(0.1)  # Until the backends have ended and are counted.
        database_us = 1e6 * (cluster.cpu_s() - before) / seen.requests
        return Point(operation.name, name, connections, number, seen.per_s, seen.p50_ms, None, None, database_us, None)

    def _bodies(self, operation: Operation, server: Server) -> list[str]:
        return operation.bodies(server.name, self.world, f"{time.time_ns():x}")

    def _print(self, operation: Operation, connections: int, number: int) -> None:
        here = [
            p for p in self.points if (p.operation, p.connections, p.round) == (operation.name, connections, number)
        ]
        told = ", ".join(f"{point.server} {point.per_s:,.0f}/s" for point in here)
        print(f"round {number + 1} {operation.name:12} c={connections:<3} {told}", flush=True)


def token(server: Server) -> str | None:
    """Ours is asked by someone signed in; the peers know no users."""
    return ADMIN_TOKEN if server.name == OURS else None


def world_of(place: Place) -> World:
    """Ids out of the filled database."""
    ids = place.ask(
        f"SELECT string_agg(id::text, ' ') FROM (SELECT id FROM community ORDER BY id LIMIT {COMMUNITIES_ASKED}) AS c"
    )
    market_id = place.ask("SELECT id FROM market ORDER BY id LIMIT 1")
    owner_id = place.ask("SELECT id FROM user_account WHERE email = 'administrator@example.org'")
    return World(ids.split(), market_id, owner_id)


def ask(server: Server, body: str) -> Any:
    """The answer to one request, decoded."""
    headers = {"content-type": "application/json", "accept": "application/json"}
    held = token(server)
    if held:
        headers["authorization"] = f"Bearer {held}"
    with DIRECTLY.open(urllib.request.Request(server.url, body.encode(), headers), timeout=30) as answer:
        return json.loads(answer.read())


def check_answers(servers: Sequence[Server], world: World) -> set[tuple[str, str]]:
    """Compare the data of all answers; gives server and operation of those that did not come. Raises AnswersDiffer."""
    unanswered = set()
    for operation in OPERATIONS:
        answers = {server.name: _data(operation, server, world) for server in servers}
        unanswered |= {(name, operation.name) for name, answer in answers.items() if answer is None}
        data = {name: comparable(answer) for name, answer in answers.items() if answer is not None}
        first = next(iter(data.values()))
        if operation.is_compared and any(other != first for other in data.values()):
            shown = "\n".join(f"{name}: {str(found)[:700]}" for name, found in data.items())
            raise AnswersDiffer(f"{operation.name}:\n{shown}")
    return unanswered


def _data(operation: Operation, server: Server, world: World) -> Any:
    body = operation.bodies(server.name, world, f"check-{time.time_ns():x}")[0].replace("NNNNNNNN", "0")
    try:
        answer = ask(server, body)
    except OSError as reason:
        print(f"{server.name} does not answer {operation.name}: {reason}")
        return None
    if answer.get("errors") or any(part.get("errors") for part in answer["data"].values()):
        raise AnswersDiffer(f"{server.name} {operation.name}: {str(answer)[:500]}")
    return answer["data"]
