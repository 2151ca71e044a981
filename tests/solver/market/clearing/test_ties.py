"""Equal prices in linked zones: whoever came first trades, however zones and links are listed."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from solver.market.cells.problem import ClearingProblem, Links, Orders, Side
from solver.market.clearing.clearing import clear
from tests.solver.market import book_checks
from tests.solver.market.books import links

BUY, SELL = Side.BUY, Side.SELL
X, Y, W = range(3)


def arriving(*rows: tuple[int, Side, int, int], ways: Links, zones: int = 3) -> ClearingProblem:
    """Orders as they arrive, (zone, side, Wh, price), each of an owner of its own."""
    zone, side, energy_wh, price = np.array(rows).T
    count = np.arange(len(rows))
    listed = Orders(np.zeros(len(rows), np.int64), zone, side.astype(np.int8), price, energy_wh, count, count)
    return ClearingProblem(intervals=1, zones=zones, orders=listed, links=ways)


@pytest.mark.parametrize("number", list(permutations(range(3))))
@pytest.mark.parametrize("ways", [[0, 1], [1, 0]])
def test_the_first_buyer_is_served_whatever_the_zones_and_links_are_called(
    number: tuple[int, ...], ways: list[int]
) -> None:
    book = arriving(
        (W, BUY, 1, 1_000),
        (X, SELL, 1, 0),
        (Y, SELL, 1, 0),
        (Y, BUY, 2, 1_000),
        (W, BUY, 2, 1_000),
        ways=links((X, Y, 3, 0), (X, W, 3, 0)),
    )
    called = np.array(number)
    listed = Links(called[[X, X]], called[np.array([Y, W])[ways]], np.array([3, 3]), np.array([0, 0]))

    clearing = clear(replace(book, orders=replace(book.orders, zone=called[book.orders.zone]), links=listed))

    assert clearing.fill_wh.tolist() == [1, 1, 1, 1, 0]
    assert clearing.welfare_ticks_wh == 2_000


@pytest.mark.parametrize(("first", "fills"), [(Y, [4, 1, 5]), (W, [4, 1, 5])])
def test_buyers_of_one_price_are_served_as_they_came(first: int, fills: list[int]) -> None:
    second = Y + W - first
    book = arriving((first, BUY, 4, 9), (second, BUY, 4, 9), (X, SELL, 5, 1), ways=links((X, Y, 9, 0), (X, W, 9, 0)))

    assert clear(book).fill_wh.tolist() == fills


def test_price_comes_before_arrival_where_the_way_costs() -> None:
    """Beyond a way that costs 2 a buy at 9 is worth as much as one at 7 without; the higher one is served."""
    book = arriving((Y, BUY, 4, 7), (W, BUY, 4, 9), (X, SELL, 5, 1), ways=links((X, Y, 9, 0), (X, W, 9, 2)))

    assert clear(book).fill_wh.tolist() == [1, 4, 5]


def test_welfare_comes_before_arrival() -> None:
    """Only the seller in X reaches the buyer in W, so the one in Y, though later, serves its own zone."""
    book = arriving(
        (X, SELL, 2, 1), (Y, SELL, 2, 1), (Y, BUY, 2, 9), (W, BUY, 2, 9), ways=links((X, Y, 9, 0), (X, W, 9, 0))
    )

    assert clear(book).fill_wh.tolist() == [2, 2, 2, 2]


def test_equal_limits_trade_between_zones_as_they_do_within_one() -> None:
    book = arriving((X, SELL, 4, 5), (Y, BUY, 3, 5), ways=links((X, Y, 9, 0)))

    clearing = clear(book)

    assert clearing.fill_wh.tolist() == [3, 3]
    assert clearing.welfare_ticks_wh == 0
    assert clearing.prices.price_ueur_per_kwh[0, :2].tolist() == [500, 500]


def test_a_full_way_keeps_the_first_from_being_served_only_as_far_as_it_must() -> None:
    book = arriving((W, BUY, 4, 9), (Y, BUY, 4, 9), (X, SELL, 5, 1), ways=links((X, Y, 9, 0), (X, W, 3, 0)))

    assert clear(book).fill_wh.tolist() == [3, 2, 5]


def test_ties_leave_no_energy_going_in_circles() -> None:
    book = arriving(
        (Y, BUY, 2, 9), (X, BUY, 3, 9), (X, SELL, 3, 1), (W, SELL, 1, 1),
        ways=links((X, Y, 9, 0), (Y, X, 9, 0), (W, X, 9, 0), (W, Y, 9, 0), (Y, W, 9, 0)),
    )  # fmt: skip

    clearing = clear(book)

    assert clearing.fill_wh.tolist() == [2, 2, 3, 1]
    assert int((clearing.flow_wh[0] > 0).sum()) == 2


def test_a_hundred_thousand_orders_of_one_price_are_served_as_they_came() -> None:
    random, count = np.random.default_rng(5), 100_000
    book = ClearingProblem(
        intervals=2,
        zones=6,
        orders=Orders(
            interval=random.integers(0, 2, count),
            zone=random.integers(0, 6, count),
            side=np.where(random.random(count) < 0.7, Side.BUY, Side.SELL).astype(np.int8),
            limit_price_ticks=np.full(count, 1_000),
            energy_wh=random.integers(1, 90, count),
            sequence=np.arange(count),
            owner=np.arange(count),
        ),
        links=links(*[(a, b, 10**9, 0) for a in range(6) for b in range(6) if a != b]),
    )

    fill_wh = clear(book).fill_wh

    for interval in range(2):
        queue = np.flatnonzero((book.orders.interval == interval) & (book.orders.side == Side.BUY))
        left_wh = book.orders.energy_wh[queue] - fill_wh[queue]
        last = int(np.flatnonzero(fill_wh[queue])[-1])
        assert not left_wh[:last].any()
        assert not fill_wh[queue][last + 1 :].any()


@pytest.mark.parametrize(("kind", "seeds"), [("multi-zone", 100), ("flexible", 50), ("minimum fill", 20)])
def test_random_books_have_the_best_outcome_however_they_are_listed(kind: str, seeds: int) -> None:
    for seed in range(10_000, 10_000 + seeds):
        book_checks.CHECKS[kind](seed)
