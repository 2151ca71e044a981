"""Orders that may trade in any of several intervals: spread for the largest welfare, at one price, by arrival."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.kernel.errors import InvalidValue
from solver.market.cells.classes import EnergyClass, with_classes
from solver.market.cells.joint import blocks
from solver.market.cells.problem import ClearingProblem, Orders, Side, Wh
from solver.market.clearing.clearing import clear, congestion_rent_neur
from tests.solver.market.books import problems, shared_problems
from tests.solver.market.linear_program import largest_welfare


def shared_of(problem: ClearingProblem) -> dict[int, Wh]:
    """Entries of each shared order."""
    shared = problem.orders.shared
    assert shared is not None
    return {int(number): np.flatnonzero(shared == number) for number in np.unique(shared[shared >= 0])}


def entries(*rows: tuple[str, int, Side, int, int, int], intervals: int = 2) -> ClearingProblem:
    """One zone; rows of (owner, interval, side, Wh, ticks, number of the shared order or -1)."""
    owner, interval, side, energy_wh, price, shared = zip(*rows, strict=True)
    orders = Orders(
        interval=np.array(interval),
        zone=np.zeros(len(rows), np.int64),
        side=np.array(side, np.int8),
        limit_price_ticks=np.array(price),
        energy_wh=np.array(energy_wh),
        sequence=np.arange(len(rows)),
        owner=np.array([sorted(set(owner)).index(each) for each in owner]),
        shared=np.array(shared),
    )
    return ClearingProblem(intervals=intervals, zones=1, orders=orders)


@settings(deadline=None)
@given(shared_problems())
def test_welfare_is_the_largest_possible(problem: ClearingProblem) -> None:
    total = float(problem.orders.energy_wh.sum())
    assert clear(problem).welfare_ticks_wh == pytest.approx(largest_welfare(problem), rel=1e-9, abs=1e-9 * total)


@settings(deadline=None)
@given(shared_problems())
def test_entries_together_trade_no_more_than_their_order(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    for members in shared_of(problem).values():
        assert clearing.fill_wh[members].sum() <= problem.orders.energy_wh[members].max()


@settings(deadline=None)
@given(shared_problems())
def test_fills_balance_with_flows_and_pairs(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    sign = np.where(problem.orders.side == Side.BUY, -1, 1)
    net = np.zeros((problem.intervals, problem.zones), np.int64)
    np.add.at(net, (problem.orders.interval, problem.orders.zone), sign * clearing.fill_wh)
    for link in range(len(problem.links)):
        net[:, problem.links.from_zone[link]] -= clearing.flow_wh[:, link]
        net[:, problem.links.to_zone[link]] += clearing.flow_wh[:, link]
    assert not net.any()
    pairs, paired = clearing.pairings, np.zeros(len(problem.orders), np.int64)
    np.add.at(paired, pairs.sell, pairs.energy_wh)
    np.add.at(paired, pairs.buy, pairs.energy_wh)
    np.testing.assert_array_equal(paired, clearing.fill_wh)
    assert (problem.orders.interval[pairs.sell] == problem.orders.interval[pairs.buy]).all()


@settings(deadline=None)
@given(shared_problems())
def test_prices_support_every_entry(problem: ClearingProblem) -> None:
    """Nobody would rather trade more or less at these prices, nor a shared order in another of its intervals."""
    clearing = clear(problem)

    orders, price = problem.orders, clearing.prices.price_ueur_per_kwh.ravel()[problem.cell]
    gain = (orders.limit_price_ticks * 100 - price) * np.where(orders.side == Side.BUY, 1, -1)
    is_priced = clearing.prices.is_priced.ravel()[problem.cell]
    assert is_priced[clearing.fill_wh > 0].all()
    assert (gain[clearing.fill_wh > 0] >= 0).all()
    assert orders.shared is not None
    is_open = (clearing.fill_wh < orders.energy_wh) & (orders.shared < 0)
    assert (gain[is_priced & is_open] <= 0).all()
    for members in shared_of(problem).values():
        traded, known = members[clearing.fill_wh[members] > 0], members[is_priced[members]]
        if clearing.fill_wh[members].sum() < orders.energy_wh[members].max():
            assert (gain[known] <= 0).all()
        if len(traded):
            assert (gain[traded] == gain[known].max()).all()
    assert congestion_rent_neur(problem, clearing) >= 0


@settings(deadline=None)
@given(shared_problems(owners=3))
def test_no_owner_trades_with_itself(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    owner, pairs = problem.orders.owner, clearing.pairings
    assert (owner[pairs.sell] != owner[pairs.buy]).all()
    for members in shared_of(problem).values():
        assert clearing.fill_wh[members].sum() <= problem.orders.energy_wh[members].max()


def each_shared(problem: ClearingProblem) -> ClearingProblem:
    """The same orders, each shared by its one interval."""
    return replace(problem, orders=replace(problem.orders, shared=np.arange(len(problem.orders))))


@settings(deadline=None)
@given(problems())
def test_orders_of_one_interval_are_worth_as_much_when_shared(problem: ClearingProblem) -> None:
    assert clear(each_shared(problem)).welfare_of_interval == clear(problem).welfare_of_interval


@settings(deadline=None)
@given(problems(zones_max=1))
def test_in_one_zone_ties_are_settled_as_in_one_cell(problem: ClearingProblem) -> None:
    np.testing.assert_array_equal(clear(each_shared(problem)).fill_wh, clear(problem).fill_wh)


@settings(deadline=None)
@given(shared_problems())
def test_the_listing_of_entries_does_not_matter(problem: ClearingProblem) -> None:
    listing = np.random.default_rng(len(problem.orders)).permutation(len(problem.orders))

    clearing = clear(problem)
    shuffled = clear(replace(problem, orders=problem.orders.at(listing)))

    np.testing.assert_array_equal(shuffled.fill_wh, clearing.fill_wh[listing])


def test_a_flexible_buy_is_spread_over_the_cheapest_sells() -> None:
    problem = entries(
        *[("B", interval, Side.BUY, 10, 9, 0) for interval in (0, 1)],
        *[("S", 0, Side.SELL, 6, 2, -1), ("T", 0, Side.SELL, 9, 5, -1), ("U", 1, Side.SELL, 3, 4, -1)],
    )

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [7, 3, 6, 1, 3]
    assert clearing.prices.price_ueur_per_kwh.tolist() == [[500], [500]]


def test_a_flexible_order_and_others_at_its_price_are_served_by_arrival() -> None:
    def fills(shared_first: bool) -> list[int]:
        problem = entries(
            ("B", 0, Side.BUY, 10, 5, 0),
            ("B", 1, Side.BUY, 10, 5, 0),
            ("C", 0, Side.BUY, 10, 5, -1),
            ("S", 0, Side.SELL, 12, 5, -1),
        )
        sequence = np.array([0, 1, 2, 3] if shared_first else [2, 3, 0, 1])
        clearing = clear(replace(problem, orders=replace(problem.orders, sequence=sequence)))
        return [int(fill_wh) for fill_wh in clearing.fill_wh]

    assert fills(shared_first=True) == [10, 0, 2, 12]
    assert fills(shared_first=False) == [2, 0, 10, 12]


def test_equal_prices_trade_even_between_two_flexible_orders() -> None:
    problem = entries(
        *[("B", interval, Side.BUY, 4, 5, 0) for interval in (0, 1)],
        *[("S", interval, Side.SELL, 3, 5, 1) for interval in (0, 1)],
    )

    clearing = clear(problem)

    assert clearing.fill_wh[:2].sum() == clearing.fill_wh[2:].sum() == 3
    assert clearing.pairings.energy_wh.sum() == 3


def test_intervals_are_tied_only_where_an_order_spans_them() -> None:
    problem = entries(
        ("B", 1, Side.BUY, 4, 5, 0),
        ("B", 3, Side.BUY, 4, 5, 0),
        ("C", 4, Side.BUY, 4, 5, 7),
        ("D", 5, Side.BUY, 4, 5, -1),
        intervals=6,
    )

    assert blocks(problem).tolist() == [0, 1, 1, 1, 2, 3]


def test_entries_of_one_order_agree() -> None:
    with pytest.raises(InvalidValue, match=r"orders\.limit_price_ticks\[1\] differs within one shared order"):
        entries(("B", 0, Side.BUY, 4, 5, 0), ("B", 1, Side.BUY, 4, 6, 0))


def test_a_shared_order_has_no_minimum() -> None:
    problem = entries(("B", 0, Side.BUY, 4, 5, 0), ("B", 1, Side.BUY, 4, 5, 0))

    with pytest.raises(InvalidValue, match=r"orders\.minimum_fill_wh\[1\] is for one interval"):
        replace(problem, orders=replace(problem.orders, minimum_fill_wh=np.array([0, 2])))


@settings(deadline=None)
@given(shared_problems(owners=6), st.integers(0, 2**32 - 1))
def test_shared_orders_classes_and_minima_go_together(problem: ClearingProblem, seed: int) -> None:
    orders, random = problem.orders, np.random.default_rng(seed)
    assert orders.shared is not None
    of_order = random.integers(0, EnergyClass.ANY, len(orders))
    accepted = random.integers(0, len(EnergyClass), len(orders))
    energy_class = np.where(orders.side == Side.BUY, accepted, of_order)
    for members in shared_of(problem).values():
        energy_class[members] = energy_class[members[0]]
    has_minimum = (orders.shared < 0) & (random.random(len(orders)) < 0.4)
    minimum_wh = np.where(has_minimum, orders.energy_wh, 0)
    whole = replace(problem, orders=replace(orders, minimum_fill_wh=minimum_wh))
    parted = with_classes(whole, energy_class).problem

    clearing = clear(parted)

    pairs, paired = clearing.pairings, np.zeros(len(orders), np.int64)
    np.add.at(paired, pairs.sell, pairs.energy_wh)
    np.add.at(paired, pairs.buy, pairs.energy_wh)
    np.testing.assert_array_equal(paired, clearing.fill_wh)
    assert (orders.interval[pairs.sell] == orders.interval[pairs.buy]).all()
    assert (orders.owner[pairs.sell] != orders.owner[pairs.buy]).all()
    assert not ((clearing.fill_wh > 0) & (clearing.fill_wh < minimum_wh)).any()
    price = clearing.prices.price_ueur_per_kwh.ravel()[parted.cell]
    gain = (orders.limit_price_ticks * 100 - price) * np.where(orders.side == Side.BUY, 1, -1)
    assert (gain[clearing.fill_wh > 0] >= 0).all()
    assert congestion_rent_neur(parted, clearing) >= 0
    for members in shared_of(problem).values():
        assert clearing.fill_wh[members].sum() <= orders.energy_wh[members].max()
