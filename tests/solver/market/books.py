"""Small books of orders, written as the published cases write them: (owner, energy, price)."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from solver.market.cells.problem import ClearingProblem, Links, Orders, Side, UniformPrice, Wh

Row = tuple[str, int, int]  # owner, Wh, ticks


def orders(buys: Sequence[Row], sells: Sequence[Row], zones: Sequence[int] | None = None) -> Orders:
    """Buys, then sells, in order of arrival; all in interval 0, and in zone 0 unless zones are given."""
    rows = [*buys, *sells]
    owners = sorted({owner for owner, _, _ in rows})
    return Orders(
        interval=np.zeros(len(rows), np.int64),
        zone=np.array(zones if zones is not None else [0] * len(rows), np.int64),
        side=np.array([Side.BUY] * len(buys) + [Side.SELL] * len(sells), np.int8),
        limit_price_ticks=np.array([price for _, _, price in rows], np.int64),
        energy_wh=np.array([energy for _, energy, _ in rows], np.int64),
        sequence=np.arange(len(rows)),
        owner=np.array([owners.index(owner) for owner, _, _ in rows], np.int64),
    )


def book(buys: Sequence[Row], sells: Sequence[Row], pricing: UniformPrice = UniformPrice.MIDPOINT) -> ClearingProblem:
    """One interval of one zone."""
    return ClearingProblem(intervals=1, zones=1, orders=orders(buys, sells), pricing=pricing)


def links(*rows: tuple[int, int, int, int]) -> Links:
    """Links written as (from zone, to zone, capacity, cost)."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Links(from_zone=table[:, 0], to_zone=table[:, 1], capacity_wh=table[:, 2], cost_ticks=table[:, 3])


@st.composite
def problems(
    draw: st.DrawFn,
    owners: int = 1_000,
    zones_max: int = 5,
    intervals_max: int = 2,
    orders_max: int = 30,
    minima: float = 0,
) -> ClearingProblem:
    """Random markets, small enough for ties, empty cells, one-sided cells, closed and free links to be common.

    minima: the share of orders that have a minimum fill, half of them all or nothing.
    """
    intervals, zones = draw(st.integers(1, intervals_max)), draw(st.integers(1, zones_max))
    seed, count = draw(st.integers(0, 2**32 - 1)), draw(st.integers(0, orders_max))
    spread, energy_max = draw(st.sampled_from([1, 4, 40])), draw(st.sampled_from([1, 5, 1_000, 10**11]))
    random = np.random.default_rng(seed)
    ways = [(a, b) for a in range(zones) for b in range(zones) if a != b]
    ways = [ways[i] for i in random.permutation(len(ways))[: draw(st.integers(0, len(ways)))]]
    energy_wh = random.integers(1, energy_max + 1, count)
    minimum_wh = np.where(random.random(count) < 0.5, energy_wh, random.integers(1, energy_wh + 1))
    return ClearingProblem(
        intervals=intervals,
        zones=zones,
        orders=Orders(
            interval=random.integers(0, intervals, count),
            zone=random.integers(0, zones, count),
            side=random.integers(0, 2, count, np.int8),
            limit_price_ticks=random.integers(-spread, spread + 1, count),
            energy_wh=energy_wh,
            sequence=random.permutation(count),
            owner=random.integers(0, owners, count) if owners < count else random.permutation(owners)[:count],
            minimum_fill_wh=np.where(random.random(count) < minima, minimum_wh, 0) if minima else None,
        ),
        links=Links(
            from_zone=np.array([a for a, _ in ways], np.int64),
            to_zone=np.array([b for _, b in ways], np.int64),
            capacity_wh=random.integers(0, 2 * energy_max + 1, (intervals, len(ways))),
            cost_ticks=random.integers(0, 1 + spread // 2, len(ways)),
        ),
    )


@st.composite
def shared_problems(draw: st.DrawFn, owners: int = 1_000, intervals_max: int = 4) -> ClearingProblem:
    """Random markets in which some orders may trade their energy in any of several intervals."""
    problem = draw(problems(owners=owners, zones_max=3, intervals_max=intervals_max, orders_max=20))
    orders, random = problem.orders, np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    several = np.flatnonzero(random.random(len(orders)) < 0.3)
    interval = [np.flatnonzero(random.random(problem.intervals) < 0.6) for _ in several]
    place = np.concatenate((np.arange(len(orders)), np.repeat(several, [len(each) for each in interval]))).astype(int)
    entries = orders.at(place)
    shared = np.where(np.isin(place, several), place, -1)
    is_left_out = np.arange(len(place)) < np.where(np.isin(place, several), len(orders), 0)
    kept = np.flatnonzero(~is_left_out)
    entries = replace(
        entries,
        interval=np.concatenate((orders.interval, *interval)).astype(np.int64),
        sequence=entries.sequence * len(place) + np.arange(len(place)),
        shared=shared,
    )
    return replace(problem, orders=entries.at(kept))


def sold_and_bought(problem: ClearingProblem, fill_wh: Wh) -> tuple[Wh, Wh]:
    """Energy sold and bought in each cell."""
    cells = problem.intervals * problem.zones
    sold, bought = np.zeros(cells, np.int64), np.zeros(cells, np.int64)
    is_buy = problem.orders.side == Side.BUY
    np.add.at(sold, problem.cell[~is_buy], fill_wh[~is_buy])
    np.add.at(bought, problem.cell[is_buy], fill_wh[is_buy])
    return sold, bought
