"""Network clearing against linear programming: 96 intervals x 20 zones x 80 directed links, up to a million orders.

Compared, on the same orders and links:

- ours: `clear`, from the checked problem to fills, flows, price ranges, uniform prices, pairs and own-order checks;
- HiGHS, and for a million orders GLOP, both in the OR-Tools wheel through MathOpt, default settings: the same market as
  a linear program with a column per order and per link and interval and a row per zone and interval. Its answer is
  welfare and duals; pairs, time priority and price ranges would still have to be made from it. "solve" is the solver's
  own clock, which the gates compare with; "total" adds filling the model (flat arrays into a protocol message, the
  quickest way without scipy) and handing it over;
- both optima against a min-cost flow of every order (`tests/solver/market/flows/whole_flow.py`), to the integer.

Zones differ: prices of a zone and interval lie up to 0.03 EUR/kWh above or below the others', and links carry some
percent of what a zone trades, so many are full. Owners have one side each except for one
order in a hundred, so that looking for own pairs is part of the time. Both run in turns, ours three times, so that
whatever else the machine does meets both; medians, and the best in brackets. GLOP runs once, for it takes long.
Run: python -m tests.bench.market_clearing [--no-million] [--rounds 5]; exits 1 when a gate or an optimum is missed.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from solver.market.cells.problem import ClearingProblem, Links, Orders, Side
from solver.market.clearing.clearing import clear
from tests.bench.measuring.gates import Gate, judge
from tests.solver.market.flows import whole_flow

INTERVALS, ZONES, LINKS = 96, 20, 80


@dataclass(frozen=True, slots=True)
class Size:
    """A number of orders, the solver to compare with, and what must hold."""

    orders: int
    peer: mathopt.SolverType
    ms_max: float
    ratio_min: float
    peer_rounds: int | None = None  # As many as ours.


SIZES = (
    Size(10_000, mathopt.SolverType.HIGHS, ms_max=25, ratio_min=2),
    Size(100_000, mathopt.SolverType.HIGHS, ms_max=40, ratio_min=20),
    Size(1_000_000, mathopt.SolverType.GLOP, ms_max=130, ratio_min=120, peer_rounds=1),
)


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds to the answer, seconds of it in the solver proper, and the welfare found."""

    total: float
    solve: float
    welfare: float


def market(count: int, capacity_wh_max: int = 20_000, apart_ticks: int = 0) -> ClearingProblem:
    """Seeded orders around 0.18 EUR/kWh of 0.1 to 5 kWh; links of up to the given energy at 0.001 to 0.02 EUR/kWh.

    apart_ticks: how far the prices of a zone and interval lie above or below, at most.
    """
    random = np.random.default_rng(2026)
    side = random.integers(0, 2, count, np.int8)
    price = np.where(side == Side.BUY, random.integers(800, 3_200, count), random.integers(400, 2_800, count))
    start, end = np.divmod(random.permutation(ZONES * (ZONES - 1))[:LINKS], ZONES - 1)
    owner = np.arange(count)
    owner[::100] = owner[1::100]
    interval, zone = random.integers(0, INTERVALS, count), random.integers(0, ZONES, count)
    level = np.random.default_rng(11).integers(-apart_ticks, apart_ticks + 1, (INTERVALS, ZONES))
    return ClearingProblem(
        intervals=INTERVALS,
        zones=ZONES,
        orders=Orders(
            interval=interval,
            zone=zone,
            side=side,
            limit_price_ticks=price + level[interval, zone],
            energy_wh=random.integers(100, 5_000, count),
            sequence=np.arange(count),
            owner=owner,
        ),
        links=Links(
            from_zone=start,
            to_zone=end + (end >= start),
            capacity_wh=random.integers(0, capacity_wh_max, LINKS),
            cost_ticks=random.integers(10, 200, LINKS),
        ),
    )


def ours(problem: ClearingProblem) -> Run:
    begin = perf_counter()
    welfare = clear(problem).welfare_ticks_wh
    total = perf_counter() - begin
    return Run(total, total, welfare)


def program_solved_by(solver: mathopt.SolverType) -> Callable[[ClearingProblem], Run]:
    def run(problem: ClearingProblem) -> Run:
        begin = perf_counter()
        model = mathopt.Model.from_model_proto(linear_program(problem))
        result = mathopt.solve(model, solver)
        total = perf_counter() - begin
        assert result.termination.reason == mathopt.TerminationReason.OPTIMAL
        return Run(total, result.solve_stats.solve_time.total_seconds(), result.objective_value())

    return run


def linear_program(problem: ClearingProblem) -> model_pb2.ModelProto:
    """Columns: orders, then links by interval. Rows: sold - bought + received - sent = 0 in each cell."""
    orders, links = problem.orders, problem.links
    sign = np.where(orders.side == Side.BUY, 1, -1)
    first_cell = np.repeat(np.arange(problem.intervals) * problem.zones, len(links))
    start = first_cell + np.tile(links.from_zone, problem.intervals)
    end = first_cell + np.tile(links.to_zone, problem.intervals)
    columns = len(orders) + len(start)
    flow = np.arange(len(orders), columns)
    row = np.concatenate((problem.cell, start, end))
    column = np.concatenate((np.arange(len(orders)), flow, flow))
    value = np.concatenate((-sign, np.full(len(start), -1), np.full(len(end), 1)))
    by_row = np.lexsort((column, row))

    program = model_pb2.ModelProto()
    program.variables.ids.extend(range(columns))
    program.variables.lower_bounds.extend([0.0] * columns)
    program.variables.upper_bounds.extend(np.append(orders.energy_wh, problem.capacity_wh).astype(float).tolist())
    program.variables.integers.extend([False] * columns)
    program.objective.maximize = True
    program.objective.linear_coefficients.ids.extend(range(columns))
    costs = np.append(sign * orders.limit_price_ticks, np.tile(-links.cost_ticks, problem.intervals))
    program.objective.linear_coefficients.values.extend(costs.astype(float).tolist())
    cells = problem.intervals * problem.zones
    program.linear_constraints.ids.extend(range(cells))
    program.linear_constraints.lower_bounds.extend([0.0] * cells)
    program.linear_constraints.upper_bounds.extend([0.0] * cells)
    program.linear_constraint_matrix.row_ids.extend(row[by_row].tolist())
    program.linear_constraint_matrix.column_ids.extend(column[by_row].tolist())
    program.linear_constraint_matrix.coefficients.extend(value[by_row].astype(float).tolist())
    return program


def in_turns(problem: ClearingProblem, rounds: int, size: Size) -> tuple[list[Run], list[Run]]:
    """Our runs, three in a row, and the peer's."""
    peer = program_solved_by(size.peer)
    mine: list[Run] = []
    others: list[Run] = []
    for number in range(rounds):
        mine += [ours(problem) for _ in range(3)]
        if size.peer_rounds is None or number < size.peer_rounds:
            others.append(peer(problem))
    return mine, others


def told(count: int, engine: str, seconds: list[float], mine: float) -> str:
    ratio = median(seconds) / mine
    milliseconds = f"{1e3 * median(seconds):.1f} ({1e3 * min(seconds):.1f})"
    return f"{count:9,} {engine:<14}{milliseconds:>20} {ratio:7.1f} x"


def compare(size: Size, rounds: int) -> list[Gate]:
    """Print the rows of one size; returns its gates."""
    count = size.orders
    problem = market(count, capacity_wh_max=count // 5, apart_ticks=300)
    exact = whole_flow.largest_welfare(problem)
    ours(problem)
    mine, others = in_turns(problem, rounds, size)
    own = median(run.total for run in mine)
    peer = median(run.solve for run in others)
    name = size.peer.name
    print(told(count, "ours", [run.total for run in mine], own))
    print(told(count, f"{name}, solve", [run.solve for run in others], own))
    print(told(count, f"{name}, total", [run.total for run in others], own), flush=True)
    wrong = max(abs(run.welfare - exact) for run in mine + others)
    return [
        Gate(f"{count:,} orders: welfare beside the optimum, ticks x Wh", wrong, 0.5, is_least=False),
        Gate(f"{count:,} orders: milliseconds", 1e3 * own, size.ms_max, is_least=False),
        Gate(f"{count:,} orders: times faster than {name}'s own clock", peer / own, size.ratio_min),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument(
        "--no-million", action="store_true", help="leave out 1,000,000 orders, which take half a minute"
    )
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"   orders engine       median ms (best ms)   ratio    [{given.rounds} rounds in turns; GLOP once]")
    sizes = [size for size in SIZES if not (given.no_million and size.orders >= 10**6)]
    return judge([gate for size in sizes for gate in compare(size, given.rounds)])


if __name__ == "__main__":
    sys.exit(main())
