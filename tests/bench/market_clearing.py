"""Network clearing against HiGHS: 96 intervals x 20 zones x 80 directed links, 10,000 and 100,000 orders.

Compared, on the same orders and links:

- ours: `clear`, from the checked problem to fills, flows, price ranges, uniform prices, pairs and own-order checks;
- HiGHS in the OR-Tools wheel through MathOpt, default settings: the same market as a linear program with a column per
  order and per link and interval and a row per zone and interval. Its answer is welfare and duals; pairs, time priority
  and price ranges would still have to be made from it. "solve" is HiGHS' own clock, "total" adds filling the model
  (flat arrays into a protocol message, the quickest way without scipy) and handing it over;
- both optima against a min-cost flow of every order (`tests/solver/market/whole_flow.py`), to the integer.

Owners have one side each except for one order in a hundred, so that looking for own pairs is part of the time.
All run in turns, so that whatever else the machine does meets all of them; medians, and the best in brackets.
Gates: 10,000 orders within 25 ms, 100,000 within 60 ms and 15 times faster than HiGHS' solve alone.
Run: python -m tests.bench.market_clearing [--million] [--rounds 5]; exits 1 when a gate or an optimum is missed.
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

from solver.market.clearing import clear
from solver.market.problem import ClearingProblem, Links, Orders, Side
from tests.solver.market import whole_flow

INTERVALS, ZONES, LINKS = 96, 20, 80
GATES_MS = {10_000: 25.0, 100_000: 60.0}
GATE_RATIO = {100_000: 15.0}


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds to the answer, seconds of it in the solver proper, and the welfare found."""

    total: float
    solve: float
    welfare: float


def market(count: int) -> ClearingProblem:
    """Seeded orders around 0.18 EUR/kWh of 0.1 to 5 kWh; links of up to 20 kWh at 0.001 to 0.02 EUR/kWh."""
    random = np.random.default_rng(2026)
    side = random.integers(0, 2, count, np.int8)
    price = np.where(side == Side.BUY, random.integers(800, 3_200, count), random.integers(400, 2_800, count))
    start, end = np.divmod(random.permutation(ZONES * (ZONES - 1))[:LINKS], ZONES - 1)
    owner = np.arange(count)
    owner[::100] = owner[1::100]
    return ClearingProblem(
        intervals=INTERVALS,
        zones=ZONES,
        orders=Orders(
            interval=random.integers(0, INTERVALS, count),
            zone=random.integers(0, ZONES, count),
            side=side,
            limit_price_ticks=price,
            energy_wh=random.integers(100, 5_000, count),
            sequence=np.arange(count),
            owner=owner,
        ),
        links=Links(
            from_zone=start,
            to_zone=end + (end >= start),
            capacity_wh=random.integers(0, 20_000, LINKS),
            cost_ticks=random.integers(10, 200, LINKS),
        ),
    )


def ours(problem: ClearingProblem) -> Run:
    begin = perf_counter()
    welfare = clear(problem).welfare_ticks_wh
    total = perf_counter() - begin
    return Run(total, total, welfare)


def highs(problem: ClearingProblem) -> Run:
    begin = perf_counter()
    model = mathopt.Model.from_model_proto(linear_program(problem))
    result = mathopt.solve(model, mathopt.SolverType.HIGHS)
    total = perf_counter() - begin
    assert result.termination.reason == mathopt.TerminationReason.OPTIMAL
    return Run(total, result.solve_stats.solve_time.total_seconds(), result.objective_value())


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


def in_turns(problem: ClearingProblem, rounds: int, engines: list[Callable[[ClearingProblem], Run]]) -> list[list[Run]]:
    runs: list[list[Run]] = [[] for _ in engines]
    for _ in range(rounds):
        for engine, done in zip(engines, runs, strict=True):
            done.append(engine(problem))
    return runs


def told(seconds: list[float]) -> str:
    return f"{1e3 * median(seconds):9.1f} ({1e3 * min(seconds):.1f})"


def compare(count: int, rounds: int, *, with_highs: bool) -> list[str]:
    """Print the rows of one size; returns what was missed."""
    problem = market(count)
    exact = whole_flow.largest_welfare(problem)
    ours(problem)
    all_runs = in_turns(problem, rounds, [ours, highs] if with_highs else [ours])
    faults = [
        f"{count} orders: {name} found {run.welfare}, the optimum is {exact}"
        for name, runs in zip(("ours", "HiGHS"), all_runs, strict=False)
        for run in runs
        if abs(run.welfare - exact) >= 0.5
    ]
    mine = median(run.total for run in all_runs[0])
    print(f"{count:9,} ours           {told([run.total for run in all_runs[0]]):>20}")
    if count in GATES_MS and 1e3 * mine > GATES_MS[count]:
        faults.append(f"{count} orders took {1e3 * mine:.1f} ms, gate {GATES_MS[count]} ms")
    if with_highs:
        faults += against_highs(count, mine, all_runs[1])
    return faults


def against_highs(count: int, mine: float, runs: list[Run]) -> list[str]:
    ratio = median(run.solve for run in runs) / mine
    print(f"{count:9,} HiGHS, solve   {told([run.solve for run in runs]):>20} {ratio:7.1f} x")
    whole = median(run.total for run in runs) / mine
    print(f"{count:9,} HiGHS, total   {told([run.total for run in runs]):>20} {whole:7.1f} x")
    gate = GATE_RATIO.get(count, 0.0)
    return [f"{count} orders: {ratio:.1f} times HiGHS' solve, gate {gate}"] if ratio < gate else []


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--million", action="store_true", help="also 1,000,000 orders, ours alone, no gate")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(f"   orders engine          median ms (best ms)   ratio    [{given.rounds} rounds in turns]")
    faults = [fault for count in GATES_MS for fault in compare(count, given.rounds, with_highs=True)]
    if given.million:
        faults += compare(1_000_000, given.rounds, with_highs=False)
    for fault in faults:
        print(f"missed: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
