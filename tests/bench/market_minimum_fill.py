"""Minimum fills against HiGHS: 96 intervals x 20 zones x 80 directed links, 100,000 orders, one in ten with a minimum.

Half of those are all or nothing, half must be filled to 50 %. Compared, on the same orders and links:

- ours: `clear`, from the checked problem to fills, flows, prices that support them, pairs and own-order checks;
- HiGHS in the OR-Tools wheel through MathOpt, to a relative gap of 1e-4: the market as a mixed-integer program. It may
  fill an order at a loss, which no uniform price supports, so its optimum can be above any outcome at such prices;
- the bound: the welfare without minima, which neither can pass.

Gates: within 1e-4 of the bound, and 35 times faster than HiGHS' own clock.
Run: python -m tests.bench.market_minimum_fill [--rounds 5] [--small]; exits 1 when a gate is missed. `--small` also
tells of 1,000 and 10,000 orders, where minima weigh more and nothing is gated.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from statistics import median
from time import perf_counter

import numpy as np
from ortools.math_opt import model_pb2
from ortools.math_opt.python import mathopt

from solver.market.cells.problem import ClearingProblem, Wh
from solver.market.clearing.clearing import clear
from tests.bench.market_clearing import linear_program, market
from tests.bench.measuring.gates import Gate, failed

GAP = 1e-4
RATIO = 35.0


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds, the welfare found, and the bound known by then."""

    seconds: float
    welfare: float
    bound: float


def with_minima(problem: ClearingProblem) -> ClearingProblem:
    """One order in ten has a minimum: all of it, or half."""
    random = np.random.default_rng(10)
    count, energy_wh = len(problem.orders), problem.orders.energy_wh
    share = np.where(random.random(count) < 0.5, energy_wh, energy_wh // 2)
    minimum_wh = np.where(random.random(count) < 0.1, share, 0)
    return replace(problem, orders=replace(problem.orders, minimum_fill_wh=minimum_wh))


def ours(problem: ClearingProblem) -> Run:
    begin = perf_counter()
    clearing = clear(problem)
    return Run(perf_counter() - begin, clearing.welfare_ticks_wh, clearing.bound_ticks_wh)


def highs(problem: ClearingProblem) -> Run:
    assert problem.orders.minimum_fill_wh is not None
    model = mathopt.Model.from_model_proto(mixed_integer_program(problem, problem.orders.minimum_fill_wh))
    parameters = mathopt.SolveParameters(relative_gap_tolerance=GAP)
    result = mathopt.solve(model, mathopt.SolverType.HIGHS, params=parameters)
    seconds = result.solve_stats.solve_time.total_seconds()
    return Run(seconds, result.objective_value(), result.best_objective_bound())


def mixed_integer_program(problem: ClearingProblem, minimum_wh: Wh) -> model_pb2.ModelProto:
    """The linear program, and for each minimum a binary column and two rows: minimum x u <= fill <= energy x u."""
    program = linear_program(problem)
    chosen = np.flatnonzero(minimum_wh)
    column = len(program.variables.ids) + np.arange(len(chosen))
    row = len(program.linear_constraints.ids) + np.arange(2 * len(chosen))
    program.variables.ids.extend(column.tolist())
    program.variables.lower_bounds.extend([0.0] * len(chosen))
    program.variables.upper_bounds.extend([1.0] * len(chosen))
    program.variables.integers.extend([True] * len(chosen))
    program.linear_constraints.ids.extend(row.tolist())
    program.linear_constraints.lower_bounds.extend([0.0, -np.inf] * len(chosen))
    program.linear_constraints.upper_bounds.extend([np.inf, 0.0] * len(chosen))
    limit = np.column_stack((minimum_wh[chosen], problem.orders.energy_wh[chosen])).ravel()
    program.linear_constraint_matrix.row_ids.extend(np.repeat(row, 2).tolist())
    columns = np.column_stack((np.repeat(chosen, 2), np.repeat(column, 2)))
    program.linear_constraint_matrix.column_ids.extend(columns.ravel().tolist())
    values = np.column_stack((np.ones(len(limit)), -limit.astype(float)))
    program.linear_constraint_matrix.coefficients.extend(values.ravel().tolist())
    return program


def told(count: int, engine: str, runs: list[Run], bound: float) -> str:
    seconds = [run.seconds for run in runs]
    best = max(run.welfare for run in runs)
    return f"{count:9,} {engine:8} {1e3 * median(seconds):9.1f} ({1e3 * min(seconds):.1f}) {1 - best / bound:12.2e}"


def compare(count: int, rounds: int) -> list[Gate]:
    problem = with_minima(market(count))
    ours(problem)
    mine = [ours(problem) for _ in range(rounds)]
    peer = highs(problem)
    bound = mine[0].bound
    print(told(count, "ours", mine, bound))
    print(told(count, "HiGHS", [peer], bound))
    ratio = peer.seconds / median(run.seconds for run in mine)
    gap = 1 - min(run.welfare for run in mine) / bound
    return [
        Gate(f"{count} orders: welfare short of its bound", gap, GAP, is_least=False),
        Gate(f"{count} orders: times faster than HiGHS", ratio, RATIO),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--small", action="store_true", help="also 1,000 and 10,000 orders, no gate")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--orders", type=int, default=100_000, help="of the gate")
    given = parser.parse_args()
    print(f"   orders engine    median ms (best ms)  short of bound    [{given.rounds} rounds; HiGHS once]")
    for count in (1_000, 10_000) if given.small else ():
        compare(count, given.rounds)
    gates = compare(given.orders, given.rounds)
    for gate in gates:
        print(f"{gate.title}: {gate.measured:.3g}, wanted {gate.wanted}: {gate.verdict}")
    return 1 if failed(gates) else 0


if __name__ == "__main__":
    sys.exit(main())
