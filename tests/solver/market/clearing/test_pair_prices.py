"""Uniform, pay-as-bid and midpoint prices of pairs: within limits, sharing one gain, paying transfers alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solver.market.cells.problem import ClearingProblem
from solver.market.clearing.clearing import clear, congestion_rent_neur
from solver.market.clearing.pair_prices import PairRule, pair_prices
from tests.solver.market.books import book, links, orders, problems

TICK = 100  # micro-EUR/kWh
RULES = st.sampled_from(PairRule)


def everywhere(problem: ClearingProblem, rule: PairRule) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.full(problem.zones, rule, np.int64)


@given(problems(), st.lists(RULES, min_size=5, max_size=5))
def test_nobody_pays_more_or_gets_less_than_its_limit(problem: ClearingProblem, rules: list[PairRule]) -> None:
    clearing = clear(problem)

    prices = pair_prices(problem, clearing, np.array(rules, np.int64))

    limit = problem.orders.limit_price_ticks * TICK
    assert (prices.paid_ueur_per_kwh <= limit[clearing.pairings.buy]).all()
    assert (prices.got_ueur_per_kwh >= limit[clearing.pairings.sell]).all()


@given(problems(), st.lists(RULES, min_size=5, max_size=5))
def test_transfers_cost_and_earn_the_same_by_any_rule(problem: ClearingProblem, rules: list[PairRule]) -> None:
    clearing = clear(problem)

    prices = pair_prices(problem, clearing, np.array(rules, np.int64))

    between = (prices.paid_ueur_per_kwh - prices.got_ueur_per_kwh).astype(object)
    paid_beyond_received = np.sum(between * clearing.pairings.energy_wh)
    costs = np.sum(clearing.flow_wh.astype(object) * problem.links.cost_ticks.astype(object)) * TICK
    assert paid_beyond_received - costs == congestion_rent_neur(problem, clearing)


@given(problems())
def test_uniform_pairs_trade_at_their_zones_prices(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    prices = pair_prices(problem, clearing, everywhere(problem, PairRule.UNIFORM))

    price = clearing.prices.price_ueur_per_kwh.ravel()[problem.cell]
    np.testing.assert_array_equal(prices.paid_ueur_per_kwh, price[clearing.pairings.buy])
    np.testing.assert_array_equal(prices.got_ueur_per_kwh, price[clearing.pairings.sell])


@given(problems())
def test_midpoint_gives_both_sides_the_same_gain(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    prices = pair_prices(problem, clearing, everywhere(problem, PairRule.MIDPOINT))

    limit = problem.orders.limit_price_ticks * TICK
    saved = limit[clearing.pairings.buy] - prices.paid_ueur_per_kwh
    np.testing.assert_array_equal(saved, prices.got_ueur_per_kwh - limit[clearing.pairings.sell])


@pytest.mark.parametrize(
    ("rule", "paid"),
    [(PairRule.UNIFORM, [550, 550]), (PairRule.PAY_AS_BID, [900, 800]), (PairRule.MIDPOINT, [550, 550])],
)
def test_in_one_zone_what_is_paid_is_got(rule: PairRule, paid: list[int]) -> None:
    """9 meets 2, 8 meets 3, with 3..8 to choose from for the uniform price."""
    problem = book([("B", 5, 9), ("C", 5, 8)], [("S", 5, 2), ("T", 5, 3)])

    prices = pair_prices(problem, clear(problem), everywhere(problem, rule))

    assert prices.paid_ueur_per_kwh.tolist() == paid
    assert prices.got_ueur_per_kwh.tolist() == paid


@pytest.mark.parametrize(
    ("rules", "paid", "got"),
    [
        ((PairRule.PAY_AS_BID, PairRule.PAY_AS_BID), 5_000, 4_900),
        ((PairRule.MIDPOINT, PairRule.MIDPOINT), 3_050, 2_950),
        ((PairRule.PAY_AS_BID, PairRule.MIDPOINT), 3_050, 2_950),
        ((PairRule.UNIFORM, PairRule.PAY_AS_BID), 3_050, 2_950),
    ],
)
def test_a_transfer_is_paid_by_the_buyer(rules: tuple[PairRule, PairRule], paid: int, got: int) -> None:
    """A sell @ 10, a buy @ 50 over a link that costs 1 and stays open; between unlike markets at uniform prices."""
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("B", 10, 50)], [("S", 10, 10)], zones=[1, 0]),
        links=links((0, 1, 99, 1)),
    )

    prices = pair_prices(problem, clear(problem), np.array(rules, np.int64))

    assert (prices.paid_ueur_per_kwh.tolist(), prices.got_ueur_per_kwh.tolist()) == ([paid], [got])
