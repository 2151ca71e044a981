"""Mid-market rate, supply/demand ratio and crossing price, against the examples of INESC TEC's rec-operation.

Prices there are euro cents to three decimals; here 1 stands for 10 ticks, so 1,000 micro-EUR/kWh.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings

from domain.kernel.errors import InvalidValue
from solver.market.cells.problem import ClearingProblem, Orders
from solver.market.clearing.clearing import clear
from solver.market.prices import (
    RatioUndefined,
    crossing_price_ueur_per_kwh,
    indicative_prices,
    mid_market_rate_ueur_per_kwh,
    supply_demand_ratio_ueur_per_kwh,
)
from tests.solver.market.books import Row, orders, problems, shared_problems

UEUR = 1_000
BUYS = [(500, 45), (500, 40), (500, 35)]


def made(buys: list[tuple[int, int]], sells: list[tuple[int, int]]) -> Orders:
    def rows(side: str, entries: list[tuple[int, int]]) -> list[Row]:
        return [(f"{side}{n}", energy, 10 * price) for n, (energy, price) in enumerate(entries)]

    return orders(rows("buy", buys), rows("sell", sells))


@pytest.mark.parametrize(
    ("divider", "rate"),
    [(Fraction(1, 2), 25_000), (Fraction(1, 3), 21_667), (Fraction(0), 15_000), (Fraction(1), 35_000)],
)
def test_mid_market_rate(divider: Fraction, rate: int) -> None:
    book = made(BUYS, [(500, 0), (600, 10), (500, 15)])

    assert mid_market_rate_ueur_per_kwh(book, divider) == rate


@pytest.mark.parametrize(
    ("sells", "compensation", "price"),
    [
        ([(500, 0), (400, 10), (500, 15)], Fraction(0), 15_594),
        ([(500, 0), (400, 10), (500, 15)], Fraction(1, 2), 25_485),
        ([(500, 0), (500, 10), (1_000, 15)], Fraction(0), 15_000),
        ([(500, 0), (500, 10), (250, 15)], Fraction(0), 16_579),
        ([(500, 0), (500, 0), (250, 0)], Fraction(0), 0),
        ([(1_500, 15)], Fraction(1, 2), 25_000),
        ([(3_000, 15)], Fraction(1, 2), 20_000),
    ],
)
def test_supply_demand_ratio(sells: list[tuple[int, int]], compensation: Fraction, price: int) -> None:
    assert supply_demand_ratio_ueur_per_kwh(made(BUYS, sells), compensation) == price


@pytest.mark.parametrize(
    ("buys", "sells", "price"),
    [
        ([(500, 45), (1_000, 35), (1_000, 25), (500, 15)], [(1_000, 0), (1_000, 10), (1_000, 20)], 20),
        ([(500, 45), (1_000, 35), (1_000, 25)], [(500, 0), (500, 10), (250, 20)], 35),
    ],
    ids=["Ex01", "Ex03"],
)
def test_crossing_price(buys: list[tuple[int, int]], sells: list[tuple[int, int]], price: int) -> None:
    assert crossing_price_ueur_per_kwh(made(buys, sells)) == price * UEUR


RATES = [crossing_price_ueur_per_kwh, mid_market_rate_ueur_per_kwh, supply_demand_ratio_ueur_per_kwh]


@pytest.mark.parametrize("rate", RATES)
def test_a_side_alone_has_its_best_limit(rate: Callable[[Orders], int | None]) -> None:
    assert rate(made(BUYS, [])) == 45 * UEUR
    assert rate(made([], [(500, 10), (500, 5)])) == 5 * UEUR
    assert rate(made([], [])) is None


@pytest.mark.parametrize("rate", RATES)
def test_overlapping_sides_have_the_crossing_price(rate: Callable[[Orders], int | None]) -> None:
    """Two buys of 45 and 40 meet 1,000 at 0 and 10; any price of 35..40 would do."""
    assert rate(made(BUYS, [(500, 0), (500, 10), (500, 50)])) == 37_500


def test_the_ratio_refuses_negative_prices() -> None:
    with pytest.raises(RatioUndefined, match="dearest sell is -10000 micro-EUR/kWh"):
        supply_demand_ratio_ueur_per_kwh(made(BUYS, [(500, -10)]))


@pytest.mark.parametrize("share", [Fraction(-1, 10), Fraction(11, 10)])
def test_shares_are_of_zero_to_one(share: Fraction) -> None:
    with pytest.raises(InvalidValue, match="expected 0 to 1"):
        mid_market_rate_ueur_per_kwh(made(BUYS, []), share)
    with pytest.raises(InvalidValue, match="expected 0 to 1"):
        supply_demand_ratio_ueur_per_kwh(made(BUYS, []), share)


@given(problems())
def test_the_indicative_price_is_the_price_of_the_next_clearing(problem: ClearingProblem) -> None:
    clearing, indicated = clear(problem), indicative_prices(problem)

    assert not clearing.withdrawn_wh.any()
    assert indicated.price_ueur_per_kwh.tolist() == clearing.prices.price_ueur_per_kwh.tolist()
    assert indicated.is_priced.tolist() == clearing.prices.is_priced.tolist()


@settings(deadline=None)
@given(shared_problems())
def test_flexible_orders_count_in_indicative_prices(problem: ClearingProblem) -> None:
    clearing, indicated = clear(problem), indicative_prices(problem)

    np.testing.assert_array_equal(indicated.price_ueur_per_kwh, clearing.prices.price_ueur_per_kwh)
