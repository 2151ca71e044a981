"""Cases that others published. Prices stand for ticks, energies for Wh; scaled where they have decimals."""

import numpy as np
import pytest

from solver.market.cells.problem import ClearingProblem, UniformPrice
from solver.market.clearing.clearing import Clearing, clear, congestion_rent_neur
from solver.market.clearing.pair_prices import PairRule, pair_prices
from tests.solver.market.books import Row, book, links, orders

TICK = 100  # micro-EUR/kWh


def only_price(clearing: Clearing) -> float:
    """Uniform price of a one-zone clearing, ticks."""
    assert clearing.prices.is_priced.all()
    return int(clearing.prices.price_ueur_per_kwh[0, 0]) / TICK


def anonymous(*rows: tuple[int, float], scale: int = 1, first: int = 0) -> list[Row]:
    return [(f"{first + n:03}", energy, round(price * scale)) for n, (energy, price) in enumerate(rows)]


def test_pymarket_uniform_a() -> None:
    problem = book(anonymous((1, 3), (2, 4), (5, 1)), anonymous((4, 2), (1, 1), (5, 6), first=3))

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [1, 2, 0, 2, 1, 0]
    assert only_price(clearing) == 2


def test_pymarket_uniform_b() -> None:
    bids = anonymous(*[(1, price) for price in (6.7, 6.6, 6.5, 6.4, 6.3, 6)], scale=10)
    asks = anonymous((1, 1), (1, 2), (2, 3), (2, 4), (1, 6.1), scale=10, first=6)

    clearing = clear(book(bids, asks))

    assert clearing.fill_wh.tolist() == [1] * 6 + [1, 1, 2, 2, 0]
    assert only_price(clearing) == 5 * 10


def test_gsy_pay_as_clear_one_reaches_the_optimum_its_own_engine_misses() -> None:
    scale = 100_000
    bids = [("A", 10, 1 * scale), ("B", 15, 2 * scale), ("C", 20, 3 * scale)]
    asks = [("A", 25, 100_002), ("B", 30, 5 * scale), ("C", 35, 240_000)]

    clearing = clear(book(bids, asks))

    assert clearing.fill_wh.tolist() == [0, 5, 20, 25, 0, 0]
    assert only_price(clearing) == 2 * scale


def test_gsy_pay_as_clear_two_reaches_the_optimum_its_own_engine_misses() -> None:
    bids = [("A", 40, 15), ("B", 45, 20), ("C", 50, 60)]
    asks = [("A", 55, 10), ("B", 60, 50), ("C", 65, 10)]

    clearing = clear(book(bids, asks))

    assert clearing.fill_wh.tolist() == [25, 45, 50, 55, 0, 65]
    assert only_price(clearing) == 15


def test_gsy_partial_without_self_trade_excludes_the_seller_s_own_bid() -> None:
    """Published for pay-as-bid, "B 20 and C 20 at 3". A uniform price for a sell that is only partly filled is that
    sell's limit, 1."""
    problem = book([("B", 20, 3), ("C", 20, 3), ("A", 20, 3)], [("A", 70, 1)])

    clearing = clear(problem)
    prices = pair_prices(problem, clearing, np.array([PairRule.PAY_AS_BID]))

    assert clearing.fill_wh.tolist() == [20, 20, 0, 40]
    assert clearing.pairings.energy_wh.tolist() == [20, 20]
    assert (prices.paid_ueur_per_kwh / TICK).tolist() == [3, 3]
    assert (prices.got_ueur_per_kwh / TICK).tolist() == [3, 3]
    assert only_price(clearing) == 1


@pytest.mark.parametrize(
    ("pricing", "in_cluster_1", "in_cluster_0"),
    [
        (UniformPrice.LOWEST, 7, 8),
        (UniformPrice.MIDPOINT, 8, 9),
        (UniformPrice.HIGHEST, 9, 10),
    ],
)
def test_simply_grid_fee_is_the_cost_of_a_link(pricing: UniformPrice, in_cluster_1: int, in_cluster_0: int) -> None:
    """Published: both trades matched at 7, the fee on top. Any price of 7..9 in the sellers' cluster clears
    (7 is the bid left out, 9 the other cluster's bid less the fee); theirs is the lowest, our default is the
    middle. Sellers get the price of cluster 1, the buyer in cluster 0 pays the fee of 1 beyond it."""
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders(
            [("one", 100, 10), ("one", 100, 7), ("nil", 100, 10)],
            [("three", 100, 6), ("three", 100, 4)],
            zones=[1, 1, 0, 1, 1],
        ),
        links=links((0, 1, 10**6, 1), (1, 0, 10**6, 1)),
        pricing=pricing,
    )

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [100, 0, 100, 100, 100]
    assert (clearing.prices.price_ueur_per_kwh[0] / TICK).tolist() == [in_cluster_0, in_cluster_1]
    assert congestion_rent_neur(problem, clearing) == 0


@pytest.mark.parametrize(
    ("bids", "asks", "price", "accepted"),
    [
        (
            [(500, 45), (1000, 35), (1000, 25), (500, 15)],
            [(1000, 0), (1000, 10), (1000, 20)],
            20,
            (3, 3),
        ),
        ([(500, 45), (1000, 35), (1000, 25)], [(500, 0), (500, 10), (250, 20)], 35, (2, 3)),
    ],
    ids=["Ex01", "Ex03"],
)
def test_inesc_crossing_value(
    bids: list[tuple[int, int]], asks: list[tuple[int, int]], price: int, accepted: tuple[int, int]
) -> None:
    clearing = clear(book(anonymous(*bids), anonymous(*asks, first=len(bids))))

    is_filled = clearing.fill_wh > 0
    assert only_price(clearing) == price
    assert (int(np.sum(is_filled[: len(bids)])), int(np.sum(is_filled[len(bids) :]))) == accepted
