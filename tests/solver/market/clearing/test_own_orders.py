"""No owner trades with itself, and nobody else pays for it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from solver.market.cells.problem import ClearingProblem, Side, Wh
from solver.market.clearing.clearing import clear, congestion_rent_neur
from tests.solver.market.books import book, links, orders, problems
from tests.solver.market.linear_program import largest_welfare_at_one_price, largest_welfare_between_owners
from tests.solver.market.random_books import of_few_owners


def owner_energy(problem: ClearingProblem, fill_wh: Wh) -> dict[tuple[int, int], int]:
    """Sold and bought energy together by (cell, owner)."""
    total: dict[tuple[int, int], int] = {}
    for cell, owner, energy_wh in zip(problem.cell, problem.orders.owner, fill_wh, strict=True):
        total[int(cell), int(owner)] = total.get((int(cell), int(owner)), 0) + int(energy_wh)
    return total


def anonymous(problem: ClearingProblem) -> ClearingProblem:
    """The same orders, each of another owner."""
    return replace(problem, orders=replace(problem.orders, owner=np.arange(len(problem.orders))))


@given(problems(owners=3))
def test_no_owner_is_paired_with_itself(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    owner, pairs = problem.orders.owner, clearing.pairings
    paired = np.zeros(len(owner), np.int64)
    np.add.at(paired, pairs.sell, pairs.energy_wh)
    np.add.at(paired, pairs.buy, pairs.energy_wh)
    assert (owner[pairs.sell] != owner[pairs.buy]).all()
    np.testing.assert_array_equal(paired, clearing.fill_wh)
    assert congestion_rent_neur(problem, clearing) >= 0


@given(problems(owners=3))
def test_pairs_can_be_carried_by_the_flows(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    net = np.zeros(problem.intervals * problem.zones, np.int64)
    np.add.at(net, problem.cell[clearing.pairings.sell], clearing.pairings.energy_wh)
    np.subtract.at(net, problem.cell[clearing.pairings.buy], clearing.pairings.energy_wh)
    flows = net.reshape(problem.intervals, problem.zones)
    for link, (start, end) in enumerate(zip(problem.links.from_zone, problem.links.to_zone, strict=True)):
        flows[:, start] -= clearing.flow_wh[:, link]
        flows[:, end] += clearing.flow_wh[:, link]
    assert not flows.any()


@given(problems(owners=3, zones_max=1))
def test_in_one_zone_withdraws_only_where_an_owner_dominates(problem: ClearingProblem) -> None:
    clearing, unaware = clear(problem), clear(anonymous(problem))

    volume = np.zeros(problem.intervals * problem.zones, np.int64)
    np.add.at(volume, problem.cell, unaware.fill_wh)
    dominated = {
        cell for (cell, _), energy_wh in owner_energy(problem, unaware.fill_wh).items() if 2 * energy_wh > volume[cell]
    }
    assert set(problem.cell[clearing.withdrawn_wh > 0].tolist()) == dominated
    untouched = ~np.isin(problem.cell, list(dominated))
    np.testing.assert_array_equal(clearing.fill_wh[untouched], unaware.fill_wh[untouched])


@given(problems(owners=3))
def test_others_are_served_by_price_and_time_as_if_the_withdrawn_had_not_come(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    left_wh = problem.orders.energy_wh - clearing.withdrawn_wh
    kept = np.flatnonzero(left_wh)
    without = clear(anonymous(replace(problem, orders=replace(problem.orders.at(kept), energy_wh=left_wh[kept]))))
    np.testing.assert_array_equal(clearing.fill_wh[kept], without.fill_wh)
    assert clearing.welfare_ticks_wh == without.welfare_ticks_wh
    np.testing.assert_array_equal(clearing.prices.price_ueur_per_kwh, without.prices.price_ueur_per_kwh)


@settings(deadline=None)
@given(problems(owners=3, zones_max=1, intervals_max=1, orders_max=12))
def test_in_one_zone_no_uniform_price_allows_more_welfare(problem: ClearingProblem) -> None:
    limits = np.unique(problem.orders.limit_price_ticks)
    prices = np.unique(np.concatenate((limits, (limits[1:] + limits[:-1]) / 2)))
    best = max((largest_welfare_at_one_price(problem, price) for price in prices.tolist()), default=0.0)

    slack = 1e-9 * (1 + float(problem.orders.energy_wh.sum()) * 40)
    assert clear(problem).welfare_ticks_wh == pytest.approx(best, rel=1e-9, abs=slack)


def test_partners_are_exchanged_so_that_nothing_is_withdrawn() -> None:
    problem = book([("A", 10, 9), ("B", 10, 8)], [("A", 10, 1), ("C", 10, 2)])

    clearing = clear(problem)

    assert clearing.withdrawn_wh.tolist() == [0, 0, 0, 0]
    assert clearing.fill_wh.tolist() == [10, 10, 10, 10]
    pairs = set(zip(clearing.pairings.sell.tolist(), clearing.pairings.buy.tolist(), strict=True))
    assert pairs == {(2, 1), (3, 0)}


def test_partners_are_exchanged_between_zones() -> None:
    """In zone 1 A buys, B sells and C buys; A's own sell comes in over the link."""
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("A", 10, 9), ("C", 10, 8)], [("A", 10, 1), ("B", 10, 2)], zones=[1, 1, 0, 1]),
        links=links((0, 1, 10, 1)),
    )

    clearing = clear(problem)

    assert clearing.withdrawn_wh.tolist() == [0, 0, 0, 0]
    pairs = set(zip(clearing.pairings.sell.tolist(), clearing.pairings.buy.tolist(), strict=True))
    assert pairs == {(2, 1), (3, 0)}


def test_a_zone_cut_off_by_its_link_cannot_exchange() -> None:
    """The interval as a whole has volume enough, but A's neighbour trades behind a link nothing passes."""
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("A", 9, 9), ("C", 100, 9)], [("A", 9, 1), ("B", 100, 1)], zones=[0, 1, 0, 1]),
        links=links((0, 1, 0, 0)),
    )

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [0, 100, 0, 100]
    assert clearing.withdrawn_wh.tolist() == [9, 0, 0, 0]


@pytest.mark.parametrize(
    ("buys", "sells", "fills", "withdrawn"),
    [
        pytest.param(
            [("A", 100, 3), ("B", 20, 3), ("C", 20, 3)],
            [("A", 60, 1)],
            [0, 20, 20, 40],
            [100, 0, 0, 0],
            id="its sell goes to the neighbours behind its own buy",
        ),
        pytest.param(
            [("A", 1, 6)], [("A", 1, 1), ("B", 1, 5)], [1, 0, 1], [0, 1, 0], id="its buy goes to the neighbour"
        ),
        pytest.param([("A", 5, 6)], [("A", 5, 1)], [0, 0], [5, 0], id="alone with itself"),
        pytest.param(
            [("A", 30, 9), ("C", 10, 8)],
            [("A", 20, 1), ("B", 10, 2)],
            [10, 10, 10, 10],
            [20, 0, 10, 0],
            id="it sells to one neighbour and buys from another",
        ),
        pytest.param(
            [("A", 1, 6), ("B", 1, 2)],
            [("A", 1, 1), ("C", 1, 5)],
            [0, 1, 1, 0],
            [1, 0, 0, 0],
            id="two trades would need two prices",
        ),
    ],
)
def test_an_owner_that_dominates_is_cut(
    buys: list[tuple[str, int, int]], sells: list[tuple[str, int, int]], fills: list[int], withdrawn: list[int]
) -> None:
    clearing = clear(book(buys, sells))

    assert clearing.fill_wh.tolist() == fills
    assert clearing.withdrawn_wh.tolist() == withdrawn


def test_two_trades_that_would_need_two_prices_are_worth_more_than_one() -> None:
    """The example of the decision in `own_orders`: 2 with two prices, 1 with one."""
    problem = book([("A", 1, 6), ("B", 1, 2)], [("A", 1, 1), ("C", 1, 5)])

    assert largest_welfare_between_owners(problem) == pytest.approx(2)
    assert clear(problem).welfare_ticks_wh == 1


def test_an_owner_with_very_many_orders_against_itself_is_settled() -> None:
    count = 300
    problem = book(
        [("A", 1 + n % 7, 1_000 - n) for n in range(count)] + [("B", 3, 500)],
        [("A", 1 + n % 5, n) for n in range(count)] + [("C", 2, n) for n in range(count)],
    )

    clearing = clear(problem)

    owner, pairs = problem.orders.owner, clearing.pairings
    assert (owner[pairs.sell] != owner[pairs.buy]).all()
    assert (clearing.withdrawn_wh > 0).any()
    assert not clearing.withdrawn_wh[problem.orders.owner != 0].any()
    is_buy = problem.orders.side == Side.BUY
    assert clearing.fill_wh[is_buy].sum() == clearing.fill_wh[~is_buy].sum() > 0


@pytest.mark.parametrize("seed", [*range(8), 121, 839, 1473, 1854])  # The last four once failed.
def test_a_book_of_few_owners_with_shared_orders_and_minima_clears_and_nobody_meets_itself(seed: int) -> None:
    problem = of_few_owners(seed)

    clearing = clear(problem)

    owner, minimum_wh = problem.orders.owner, problem.orders.minimum_fill_wh
    assert (owner[clearing.pairings.sell] != owner[clearing.pairings.buy]).all()
    assert minimum_wh is not None
    assert not ((clearing.fill_wh > 0) & (clearing.fill_wh < minimum_wh)).any()
