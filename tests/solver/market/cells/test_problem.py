"""What is not a market is refused, naming the place."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from domain.kernel.errors import InvalidValue
from solver.market.cells.problem import (
    CELLS_MAX,
    ORDERS_MAX,
    PRICE_TICKS_MAX,
    TOTAL_ENERGY_WH_MAX,
    ZONES_MAX,
    ClearingProblem,
    Side,
    UniformPrice,
    from_micro_units,
)
from tests.solver.market.books import book, links, orders

GOOD = ClearingProblem(
    intervals=1,
    zones=2,
    orders=orders([("B", 3, 5)], [("S", 3, 4)], zones=[0, 1]),
    links=links((0, 1, 5, 1), (1, 0, 5, 1)),
)


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("interval", [0, 1], r"orders\.interval\[1\] is not an interval of 0\.\.0"),
        ("interval", [-1, 0], r"orders\.interval\[0\]"),
        ("zone", [2, 0], r"orders\.zone\[0\] is not a zone of 0\.\.1"),
        ("side", [0, 2], r"orders\.side\[1\] is neither SELL nor BUY"),
        ("side", [0, 300], r"orders\.side\[1\] does not fit int8"),
        ("limit_price_ticks", [0, PRICE_TICKS_MAX + 1], r"orders\.limit_price_ticks\[1\] is beyond"),
        ("limit_price_ticks", [-PRICE_TICKS_MAX - 1, 0], r"orders\.limit_price_ticks\[0\] is beyond"),
        ("limit_price_ticks", [0.5, 1.0], r"orders\.limit_price_ticks must hold integers, not float64"),
        ("limit_price_ticks", [float("nan"), 1.0], r"must hold integers"),
        ("energy_wh", [0, 1], r"orders\.energy_wh\[0\] is not in 1"),
        ("energy_wh", [1, -4], r"orders\.energy_wh\[1\] is not in 1"),
        ("energy_wh", [TOTAL_ENERGY_WH_MAX, TOTAL_ENERGY_WH_MAX], r"orders\.energy_wh adds up to more"),
        ("energy_wh", ["a", "b"], r"orders\.energy_wh must hold integers"),
        ("sequence", np.array([0, 2**64 - 1], np.uint64), r"orders\.sequence\[1\] does not fit int64"),
        ("owner", [[1], [2]], r"orders\.owner has 2 dimensions"),
        ("owner", [1], r"orders\.owner has 1 entries, orders\.interval 2"),
    ],
)
def test_orders_are_checked(column: str, values: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        replace(GOOD, orders=replace(GOOD.orders, **{column: np.array(values)}))


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("from_zone", [0, 2], r"links\.from_zone\[1\] is not a zone"),
        ("to_zone", [-1, 0], r"links\.to_zone\[0\] is not a zone"),
        ("to_zone", [0, 0], r"links\.to_zone\[0\] leads back"),
        ("to_zone", [1], r"links\.to_zone has 1 entries, links\.from_zone 2"),
        ("capacity_wh", [5, -1], r"links\.capacity_wh\[1\] is negative"),
        ("capacity_wh", [[5, 5], [5, -1]], r"links\.capacity_wh\[1, 1\] is negative"),
        ("capacity_wh", [5, 5, 5], r"links\.capacity_wh has shape \(3,\), expected \(2,\) or \(1, 2\)"),
        ("capacity_wh", [[5, 5], [5, 5]], r"links\.capacity_wh has shape \(2, 2\)"),
        ("cost_ticks", [0, -1], r"links\.cost_ticks\[1\] is not in 0"),
        ("cost_ticks", [PRICE_TICKS_MAX + 1, 0], r"links\.cost_ticks\[0\] is not in 0"),
    ],
)
def test_links_are_checked(column: str, values: Any, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        replace(GOOD, links=replace(GOOD.links, **{column: np.array(values)}))


@pytest.mark.parametrize(
    ("intervals", "zones", "message"),
    [
        (-1, 2, "intervals is -1"),
        (1, -2, "zones is -2"),
        (1, ZONES_MAX + 1, "zones is"),
        (CELLS_MAX, 2, "intervals x zones must be"),
    ],
)
def test_the_size_of_the_market_is_checked(intervals: int, zones: int, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        ClearingProblem(intervals=intervals, zones=zones, orders=orders([], []))


def test_the_number_of_orders_is_checked() -> None:
    many = GOOD.orders.at(np.zeros(ORDERS_MAX + 1, np.int64))

    with pytest.raises(InvalidValue, match=f"at most {ORDERS_MAX}"):
        replace(GOOD, orders=many)


def test_micro_units_become_lots_and_ticks() -> None:
    made = from_micro_units(
        limit_price_ueur_per_kwh=[-4_000_000, 182_300],
        energy_ukwh=[1_000, 2_500_000],
        interval=[0, 0],
        zone=[0, 0],
        side=[Side.BUY, Side.SELL],
        sequence=[7, 8],
        owner=[1, 2],
    )

    assert made.limit_price_ticks.tolist() == [-40_000, 1_823]
    assert made.energy_wh.tolist() == [1, 2_500]


@pytest.mark.parametrize(
    ("price", "energy", "message"),
    [
        (150, 1_000, r"orders\.limit_price_ueur_per_kwh\[0\] is not a whole tick of 100"),
        (-50, 1_000, r"orders\.limit_price_ueur_per_kwh\[0\] is not a whole tick"),
        (100, 1_500, r"orders\.energy_ukwh\[0\] is not a whole lot of 1000"),
        (0.1, 1_000, r"limit_price_ueur_per_kwh must hold integers"),
    ],
)
def test_what_is_no_whole_tick_or_lot_is_refused(price: float, energy: int, message: str) -> None:
    with pytest.raises(InvalidValue, match=message):
        from_micro_units(
            limit_price_ueur_per_kwh=[price],
            energy_ukwh=[energy],
            interval=[0],
            zone=[0],
            side=[0],
            sequence=[0],
            owner=[0],
        )


@pytest.mark.parametrize(
    ("rule", "price"),
    [
        (UniformPrice.LOWEST, -300),
        (UniformPrice.MIDPOINT, -50),
        (UniformPrice.HIGHEST, 200),
    ],
)
def test_a_pricing_rule_is_a_place_in_the_range(rule: UniformPrice, price: int) -> None:
    assert rule.price_ueur_per_kwh(np.array([-3]), np.array([2])).tolist() == [price]


def test_an_empty_book_is_a_problem_like_any_other() -> None:
    assert len(book([], []).orders) == 0
