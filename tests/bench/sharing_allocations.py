"""Exact pro rata allocation against pandas: a year of quarter-hours for a community of a thousand.

Compared, on the same metered energy of 35,040 intervals x 1,000 consumers and one producer total per interval:

- ours: `allocate` with the pro rata key, from stating the problem to the finished allocation, checks included: int64
  micro-kWh, largest remainder, every interval adds up exactly; into a kept array as a worker keeps one, and, in a row
  of its own, into a fresh one;
- pandas, wide: one column per consumer, `df.div(total, axis=0).mul(shared, axis=0)` on float64 kWh. It rounds nothing
  and adds up to nothing exactly, and is three passes over memory: close to what the machine can do at all;
- pandas, long: one row per interval and consumer, as readings arrive, `groupby("interval").transform("sum")`; float64;
- pandas, same answer: wide, whole micro-kWh, largest remainder by `rank(axis=1)`; checked equal to ours everywhere.

Frames are made beforehand and not counted. All run in turns, so that whatever else the machine does meets all of them.
Only the ratios mean anything elsewhere. The gate holds against "pandas, same answer": the peer
that computes what we compute. The others round nothing, and the fastest of them is at the speed of memory.
Run: python -m tests.bench.sharing_allocations [--gate 15] [--against wide|long|same]; exits 1 below the gate.
"""

import argparse
import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import pandas as pd

from domain.kernel.quantities import UKWH_PER_KWH, MicroKwh
from solver.sharing.allocations import allocate
from solver.sharing.keys import PRO_RATA
from solver.sharing.problems import AllocationProblem

INTERVALS, CONSUMERS, ROUNDS, THREADS = 35_040, 1_000, 3, 2
PANDAS = {"wide": "pandas, wide", "long": "pandas, long", "same": "pandas, same answer"}


def a_year() -> tuple[MicroKwh, MicroKwh]:
    """Withdrawn and injected micro-kWh; most intervals fall short, a tenth have a surplus, a tenth no production."""
    random = np.random.default_rng(2026)
    withdrawn = random.integers(0, 400_000, (INTERVALS, CONSUMERS))
    cover = np.clip(random.uniform(-0.125, 1.125, (INTERVALS, 1)), 0, None)
    injected = (withdrawn.sum(axis=1, keepdims=True) * cover).astype(np.int64)
    return withdrawn, injected


def ours(withdrawn: MicroKwh, injected: MicroKwh, into: MicroKwh | None) -> MicroKwh:
    problem = AllocationProblem(
        withdrawn_ukwh=withdrawn,
        injected_ukwh=injected,
        consumption_key=PRO_RATA,
        consumer_tie_break=np.arange(CONSUMERS),
        producer_tie_break=np.arange(1),
    )
    return allocate(problem, threads=THREADS, into=into).shared_in_ukwh


def wide(withdrawn_kwh: pd.DataFrame, injected_kwh: pd.Series) -> pd.DataFrame:
    total = withdrawn_kwh.sum(axis=1)
    return withdrawn_kwh.div(total, axis=0).mul(injected_kwh.clip(upper=total), axis=0)


def long(readings: pd.DataFrame) -> pd.Series:
    total = readings.groupby("interval")["withdrawn_kwh"].transform("sum")
    return readings["withdrawn_kwh"] / total * readings["injected_kwh"].clip(upper=total)


def same(withdrawn: pd.DataFrame, injected: pd.Series) -> pd.DataFrame:
    """Largest remainder, ties to the earlier column; products fit 64 bits for these quantities only."""
    total = withdrawn.sum(axis=1)
    shared = injected.clip(upper=total)
    product = withdrawn.mul(shared, axis=0)
    quota = product.floordiv(total, axis=0)
    remainder = product - quota.mul(total, axis=0)
    turn = remainder.rank(axis=1, method="first", ascending=False)
    return quota + turn.le(shared - quota.sum(axis=1), axis=0)


def seconds(run: Callable[[], object]) -> float:
    start = perf_counter()
    run()
    return perf_counter() - start


def check(runs: dict[str, Callable[[], Any]], withdrawn: MicroKwh, injected: MicroKwh) -> None:
    """All computed the same thing: ours and "same answer" to the last micro-kWh, the others within rounding."""
    exact = np.array(runs["ours, fresh output"]())
    np.testing.assert_array_equal(exact.sum(axis=1), np.minimum(injected[:, 0], withdrawn.sum(axis=1)))
    assert (exact <= withdrawn).all()
    np.testing.assert_array_equal(runs["ours, kept output"](), exact)
    np.testing.assert_array_equal(runs["pandas, same answer"]().to_numpy(), exact)
    for name in ("pandas, wide", "pandas, long"):
        floating = runs[name]().to_numpy().reshape(exact.shape) * UKWH_PER_KWH
        assert float(np.abs(floating - exact).max()) < 1.001


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gate", type=float, default=15.0, help="least ratio to pandas")
    parser.add_argument("--against", choices=PANDAS, default="same", help="the pandas code the gate compares with")
    options = parser.parse_args()

    withdrawn, injected = a_year()
    kept = np.zeros_like(withdrawn)
    frame, series = pd.DataFrame(withdrawn), pd.Series(injected[:, 0])
    frame_kwh, series_kwh = frame / UKWH_PER_KWH, series / UKWH_PER_KWH
    readings = pd.DataFrame(
        {
            "interval": np.repeat(np.arange(INTERVALS), CONSUMERS),
            "withdrawn_kwh": frame_kwh.to_numpy().ravel(),
            "injected_kwh": np.repeat(series_kwh.to_numpy(), CONSUMERS),
        }
    )
    runs: dict[str, Callable[[], Any]] = {
        "ours, kept output": lambda: ours(withdrawn, injected, kept),
        "ours, fresh output": lambda: ours(withdrawn, injected, None),
        PANDAS["wide"]: lambda: wide(frame_kwh, series_kwh),
        PANDAS["long"]: lambda: long(readings),
        PANDAS["same"]: lambda: same(frame, series),
    }
    check(runs, withdrawn, injected)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            times[name].append(seconds(run))

    best = median(times["ours, kept output"])
    print(f"{INTERVALS:,} intervals x {CONSUMERS:,} consumers, {ROUNDS} rounds in turns, {THREADS} threads")
    print(f"{'':22}{'median s':>10}{'M values/s':>12}{'ours is x':>11}")
    for name, taken in times.items():
        print(f"{name:22}{median(taken):10.3f}{withdrawn.size / median(taken) / 1e6:12.0f}{median(taken) / best:11.1f}")

    against = PANDAS[options.against]
    ratio = median(times[against]) / best
    print(f"{ratio:.1f} x {against}, gate {options.gate:g}: {'passed' if ratio >= options.gate else 'FAILED'}")
    return 0 if ratio >= options.gate else 1


if __name__ == "__main__":
    sys.exit(main())
