"""Every fill is explained by price and time."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given

from solver.market.cells.problem import ClearingProblem
from solver.market.clearing.clearing import clear
from tests.solver.market.books import book, links, orders, problems
from tests.solver.market.clearing.explanation import Reason, explain


@given(problems(owners=4, orders_max=20))
def test_every_fill_follows_from_what_is_ahead_and_what_is_traded(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    for order in range(len(problem.orders)):
        told = explain(problem, clearing, order)
        assert told.fill_wh == np.clip(told.traded_wh - told.ahead_wh, 0, told.energy_wh - told.withdrawn_wh)
        assert told.fill_wh == clearing.fill_wh[order]
        if told.price_ueur_per_kwh is None:
            assert told.fill_wh == 0
        elif told.is_price_beaten:
            assert told.fill_wh == told.energy_wh - told.withdrawn_wh
        elif not told.is_at_price:
            assert told.fill_wh == 0


@given(problems(owners=4, orders_max=20))
def test_every_reason_means_what_it_says(problem: ClearingProblem) -> None:
    clearing = clear(problem)

    for order in range(len(problem.orders)):
        told = explain(problem, clearing, order)
        assert (told.reason is Reason.FILLED) == (told.fill_wh == told.energy_wh)
        if told.reason is Reason.OWN_ORDER_WITHDRAWN:
            assert told.withdrawn_wh > 0
        if told.reason is Reason.PARTLY_FILLED:
            assert 0 < told.fill_wh < told.energy_wh
        if told.reason in (Reason.BEHIND_IN_TIME, Reason.OUTPRICED, Reason.NOTHING_TRADED):
            assert told.fill_wh == 0
            assert told.ahead_wh >= told.traded_wh


def reasons(problem: ClearingProblem) -> list[Reason]:
    clearing = clear(problem)
    return [explain(problem, clearing, order).reason for order in range(len(problem.orders))]


def test_price_then_time() -> None:
    problem = book([("B", 5, 9), ("C", 5, 7), ("D", 5, 7), ("E", 5, 6)], [("S", 8, 3)])

    assert reasons(problem) == [
        Reason.FILLED,
        Reason.PARTLY_FILLED,
        Reason.BEHIND_IN_TIME,
        Reason.OUTPRICED,
        Reason.FILLED,
    ]


def test_own_order_withdrawn() -> None:
    assert reasons(book([("A", 5, 6)], [("A", 5, 1)]))[0] is Reason.OWN_ORDER_WITHDRAWN


def test_a_withdrawn_order_out_of_the_money_was_simply_outpriced() -> None:
    problem = book([("A", 5, 6), ("A", 5, 2), ("B", 5, 5)], [("A", 5, 4)])

    assert reasons(problem)[:3] == [Reason.OWN_ORDER_WITHDRAWN, Reason.OUTPRICED, Reason.FILLED]


def test_nothing_traded() -> None:
    assert reasons(book([("A", 5, 1)], [("B", 5, 6)])) == [Reason.NOTHING_TRADED] * 2


def test_an_order_without_room_for_its_minimum() -> None:
    problem = book([("B", 10, 9)], [("S", 6, 2), ("T", 8, 3), ("U", 4, 5)])
    problem = replace(problem, orders=replace(problem.orders, minimum_fill_wh=np.array([0, 0, 8, 0])))

    told = explain(problem, clear(problem), 3)

    assert reasons(problem) == [Reason.FILLED, Reason.FILLED, Reason.BELOW_MINIMUM, Reason.FILLED]
    assert told.ahead_wh == 6  # The dropped order is not ahead of anybody.


def test_a_shared_order_that_traded_elsewhere() -> None:
    problem = ClearingProblem(
        intervals=2,
        zones=1,
        orders=replace(
            orders([("B", 10, 9), ("B", 10, 9)], [("S", 10, 2), ("T", 10, 3)]),
            interval=np.array([0, 1, 0, 1]),
            shared=np.array([0, 0, -1, -1]),
        ),
    )

    assert reasons(problem) == [Reason.FILLED, Reason.ELSEWHERE, Reason.FILLED, Reason.NOTHING_TRADED]


def test_a_binding_link_is_named() -> None:
    problem = ClearingProblem(
        intervals=1,
        zones=2,
        orders=orders([("B", 10, 50)], [("S", 10, 10)], zones=[1, 0]),
        links=links((1, 0, 9, 0), (0, 1, 4, 3)),
    )
    free = replace(problem, links=links((1, 0, 9, 0), (0, 1, 40, 3)))

    told = explain(problem, clear(problem), 0)

    assert told.binding_links == (1,)
    assert told.reason is Reason.PARTLY_FILLED
    assert (told.limit_price_ueur_per_kwh, told.price_ueur_per_kwh) == (5_000, 5_000)
    assert told.is_at_price
    assert explain(free, clear(free), 0).binding_links == ()


def test_an_order_that_is_not_there_is_refused() -> None:
    problem = book([("A", 5, 1)], [])

    with pytest.raises(IndexError, match="order 1 is not one of the 1 in this problem"):
        explain(problem, clear(problem), 1)
    with pytest.raises(IndexError, match="order -1"):
        explain(problem, clear(problem), -1)
