"""Zones that are linked: what flows, what it earns, and how prices part."""

from dataclasses import replace

import numpy as np
import pytest

from solver.market.cells.problem import ClearingProblem
from solver.market.clearing.clearing import clear, congestion_rent_neur, congestion_rents_neur
from tests.solver.market.books import links, orders
from tests.solver.market.clearing.zones import two_zones


def test_a_full_link_parts_the_prices_and_earns_rent() -> None:
    problem = two_zones(capacity_wh=4)

    clearing = clear(problem)

    assert clearing.fill_wh.tolist() == [4, 4]
    assert clearing.prices.price_ueur_per_kwh.tolist() == [[1_000, 5_000]]
    assert congestion_rent_neur(problem, clearing) == 4 * 4_000
    assert congestion_rents_neur(problem, clearing) == {(0, 1): 4 * 4_000}


def test_a_closed_link_carries_nothing() -> None:
    clearing = clear(two_zones(capacity_wh=0))

    assert clearing.flow_wh.tolist() == [[0]]
    assert clearing.fill_wh.tolist() == [0, 0]


@pytest.mark.parametrize(("cost_ticks", "traded_wh"), [(39, 10), (40, 10), (41, 0)])
def test_a_transfer_is_made_unless_it_loses(cost_ticks: int, traded_wh: int) -> None:
    assert clear(two_zones(capacity_wh=99, cost_ticks=cost_ticks)).fill_wh.tolist() == [traded_wh] * 2


def test_energy_passes_through_a_zone_without_orders() -> None:
    problem = ClearingProblem(
        intervals=1,
        zones=4,
        orders=orders([("B", 10, 50)], [("S", 10, 10)], zones=[2, 0]),
        links=links((0, 1, 7, 1), (1, 2, 9, 2)),
    )

    clearing = clear(problem)

    assert clearing.flow_wh.tolist() == [[7, 7]]
    assert clearing.is_traded.tolist() == [[True, True, True, False]]
    assert clearing.prices.price_ueur_per_kwh[0, 0] == 1_000
    assert clearing.prices.price_ueur_per_kwh[0, 2] == 5_000
    assert clearing.prices.is_priced.tolist() == [[True, True, True, False]]


def test_capacity_may_change_by_interval() -> None:
    problem = ClearingProblem(
        intervals=2,
        zones=2,
        orders=replace(
            orders([("B", 10, 50), ("C", 10, 50)], [("S", 10, 10), ("T", 10, 10)], zones=[1, 1, 0, 0]),
            interval=np.array([0, 1, 0, 1]),
        ),
        links=replace(links((0, 1, 0, 0)), capacity_wh=np.array([[3], [8]])),
    )

    assert clear(problem).fill_wh.tolist() == [3, 8, 3, 8]
