"""Call auctions with pairings in one zone, against other energy markets' own code.

- one interval: 10,000 buys and 10,000 sells; a day: 10,000 orders over 96 intervals;
- ours: from columns to the checked problem, fills, prices and pairs, owners kept apart;
- pay-as-clear of gsy-framework and the periodic double auction of lemlab: from their own order objects to their
  matches, by their own Python (`peers/call_auction.py`). Their code is copyleft and not part of this repository:
  COMMONWATT_PEERS names a directory with checkouts `gsy-framework` and `lemlab` and, in `venv`, a Python with what they
  need (pendulum 3, pandas below 3, matplotlib, sqlalchemy, ruamel.yaml, tqdm). Without it ours is compared with what
  was recorded on a machine with two cores (gsy-framework ec6a9f9, lemlab 43670aa), which is said in the table.

Our welfare is checked against the linear program's to the integer (min-cost flow of every order); a peer's may be less.
Gates: 20 times faster than gsy-framework, and faster than lemlab.
Run: python -m tests.bench.market_call_auction [--rounds 15]; exits 1 when a gate is missed.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from solver.market.cells.problem import ClearingProblem, Orders
from solver.market.clearing.clearing import Clearing, clear
from tests.bench.measuring.gates import Gate, judge
from tests.bench.measuring.tools import PEERS
from tests.solver.market.flows import whole_flow

Columns = Mapping[str, NDArray[np.int64]]
CHECKOUTS = {"gsy": "gsy-framework", "lemlab": "lemlab"}
RATIO_MIN = {"gsy": 20.0, "lemlab": 1.0}
PEER_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Auction:
    """A named input, and the seconds recorded for peers where they cannot be run."""

    name: str
    orders: int
    intervals: int
    recorded_s: Mapping[str, float]


AUCTIONS = (
    Auction("one interval", 20_000, 1, {"gsy": 1.32, "lemlab": 0.141}),
    Auction("a day", 10_000, 96, {"gsy": 0.065}),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds a peer took, the welfare of its matches (None where recorded), and where that is from."""

    seconds: float
    welfare: float | None
    source: str


def columns_of(auction: Auction) -> Columns:
    """Half buys, half sells, around 0.18 EUR/kWh, of 0.1 to 5 kWh."""
    random = np.random.default_rng(2026)
    count = auction.orders
    is_buy = np.arange(count) % 2
    ticks = np.where(is_buy, random.integers(800, 3_200, count), random.integers(400, 2_800, count))
    interval = random.integers(0, auction.intervals, count)
    return {"interval": interval, "is_buy": is_buy, "ticks": ticks, "wh": random.integers(100, 5_000, count)}


def problem_of(columns: Columns, intervals: int) -> ClearingProblem:
    number = np.arange(len(columns["wh"]))
    orders = Orders(
        interval=columns["interval"],
        zone=np.zeros(len(number), np.int64),
        side=columns["is_buy"].astype(np.int8),
        limit_price_ticks=columns["ticks"],
        energy_wh=columns["wh"],
        sequence=number,
        owner=number,
    )
    return ClearingProblem(intervals=intervals, zones=1, orders=orders)


def ours(columns: Columns, intervals: int) -> tuple[float, Clearing]:
    begin = perf_counter()
    cleared = clear(problem_of(columns, intervals))
    return perf_counter() - begin, cleared


def peer(name: str, auction: Auction, columns: Columns) -> Measured | None:
    """What a peer takes here, else what was recorded of it, if anything was."""
    home = os.environ.get("COMMONWATT_PEERS")
    if home is None:
        recorded = auction.recorded_s.get(name)
        return None if recorded is None else Measured(recorded, None, "recorded")
    with tempfile.TemporaryDirectory() as directory:
        market = Path(directory) / "market.npz"
        np.savez(market, allow_pickle=False, **columns)
        command = [Path(home) / "venv/bin/python", PEERS / "call_auction.py", name, Path(home) / CHECKOUTS[name]]
        run = [str(part) for part in (*command, market, PEER_ROUNDS)]
        done = subprocess.run(run, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Measured(median(found["seconds"]), found["welfare"], "measured")


def compare(auction: Auction, rounds: int) -> list[Gate]:
    """Print the rows of one auction; returns its gates. Ours is timed before, between and after the peers."""
    columns = columns_of(auction)
    exact = whole_flow.largest_welfare(problem_of(columns, auction.intervals))
    _, cleared = ours(columns, auction.intervals)
    mine: list[float] = []
    found = {}
    for name in CHECKOUTS:
        mine += [ours(columns, auction.intervals)[0] for _ in range(rounds)]
        found[name] = peer(name, auction, columns)
    mine += [ours(columns, auction.intervals)[0] for _ in range(rounds)]
    own = median(mine)
    print(f"{auction.name:13} ours   {1e3 * own:9.2f} ms  {len(cleared.pairings.sell):,} pairs")
    wrong = abs(cleared.welfare_ticks_wh - exact)
    gates = [Gate(f"{auction.name}: welfare beside the optimum, ticks x Wh", wrong, 0.5, is_least=False)]
    for name, measured in found.items():
        if measured is None:
            continue
        ratio = measured.seconds / own
        share = "" if measured.welfare is None else f", {100 * measured.welfare / exact:.4f} % of the optimum"
        print(f"{auction.name:13} {name:6} {1e3 * measured.seconds:9.2f} ms  {ratio:.0f} x ({measured.source}{share})")
        gates.append(Gate(f"{auction.name}: times faster than {CHECKOUTS[name]}", ratio, RATIO_MIN[name]))
    return gates


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    return judge([gate for auction in AUCTIONS for gate in compare(auction, given.rounds)])


if __name__ == "__main__":
    sys.exit(main())
