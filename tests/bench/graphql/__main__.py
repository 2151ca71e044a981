"""Our GraphQL server against PostGraphile 5, a naive Strawberry server and the database alone.

    python -m tests.bench.graphql [--quick] [--rounds 3] [--seconds 2]

The same five operations on the same million trades, one process per server, wrk with one thread at 1 and 32
connections, servers straight after one another; ratios are medians of the ratios within a round. Ours runs with
the command of `bin/up`, asked by a signed-in administrator of a hundred communities, with limits and audit on; the
peers answer anybody anything. Writes docs/benchmarks.md; exit status 1 when a gate is missed.
"""

import argparse
import contextlib
import functools
import sys
from contextlib import ExitStack
from dataclasses import asdict

from tests.bench.graphql import data, floor, servers
from tests.bench.graphql.judging import BY_HAND, FLOOR, Judged
from tests.bench.graphql.load import Script
from tests.bench.graphql.measuring import Bench, ask, check_answers, world_of
from tests.bench.graphql.operations import OPERATIONS, OURS, World
from tests.bench.measuring import document, machine, running, tools
from tests.bench.measuring.gates import failed
from tests.bench.measuring.running import Server

CONNECTIONS = (1, 32)
WARM_UP_S = 2.0


def measure(rounds: int, seconds: float) -> Judged:
    """Start everything, check that all answer the same, and measure."""
    with ExitStack() as stack:
        place = servers.Place(*stack.enter_context(data.filled_cluster()))
        redis_url = stack.enter_context(running.valkey())
        ours = stack.enter_context(servers.ours(place, redis_url))
        compared = [ours, stack.enter_context(servers.postgraphile(place)), stack.enter_context(servers.naive(place))]
        world = world_of(place)
        unanswered = check_answers(compared, world)
        bench_floors = floors(place, ours, world)
        bench = Bench(place, compared, bench_floors, world, seconds, unanswered)
        bench.warm_up(WARM_UP_S)
        for number in range(rounds):
            bench.run_round(number, CONNECTIONS)
        check_answers(compared, world)
    return Judged(bench.points)


def floors(place: servers.Place, ours: Server, world: World) -> dict[str, dict[str, Script]]:
    """Scripts of both floors by operation; placing an order cannot be repeated, so that its floor is a plain insert."""
    by_hand = {operation.name: floor.by_hand(operation.name, world) for operation in OPERATIONS}
    sent = {"place_order": by_hand["place_order"]}
    for operation in OPERATIONS:
        body = operation.bodies(OURS, world, "floor")[0]
        with contextlib.suppress(OSError):  # Without an answer there is no floor, and its gate is missed.
            if operation.is_compared:
                sent[operation.name] = floor.of_server(place, functools.partial(ask, ours, body))
    return {FLOOR: sent, BY_HAND: by_hand}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    arguments = parser.parse_args()
    facts = machine.facts()
    try:
        judged = measure(1 if arguments.quick else arguments.rounds, arguments.seconds)
    except tools.Unavailable as reason:
        print(f"This bench cannot run here. {reason}")
        return 1
    document.keep("graphql", facts, [asdict(point) for point in judged.points])
    document.write()
    for gate in judged.gates():
        print(f"{gate.title:32} {gate.measured:8.3f} {gate.wanted:>8}  {gate.verdict}")
    return 1 if failed(judged.gates()) else 0


if __name__ == "__main__":
    sys.exit(main())
