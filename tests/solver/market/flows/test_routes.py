"""Flows are cut into routes that add up to them."""

from itertools import pairwise

import numpy as np
from hypothesis import given

from solver.market.cells.problem import ClearingProblem
from solver.market.clearing.clearing import clear
from solver.market.flows.network import net_export_wh
from solver.market.flows.routes import routes
from tests.solver.market.books import book, links, orders, problems


@given(problems(zones_max=8, orders_max=60))
def test_routes_add_up_to_the_flows_of_every_way(problem: ClearingProblem) -> None:
    flow_wh = clear(problem).flow_wh

    found = routes(problem, net_export_wh(problem, flow_wh), flow_wh)

    ways = {
        way: link
        for link, way in enumerate(zip(problem.links.from_zone.tolist(), problem.links.to_zone.tolist(), strict=True))
    }
    added = np.zeros_like(flow_wh)
    for number in range(len(found)):
        passed = found.passes(number)
        for way in pairwise(passed):
            added[found.seller_cell[number] // problem.zones, ways[way]] += found.energy_wh[number]
    np.testing.assert_array_equal(added, flow_wh)


@given(problems(zones_max=8, orders_max=60))
def test_routes_lead_from_what_a_cell_exports_to_what_another_imports(problem: ClearingProblem) -> None:
    flow_wh = clear(problem).flow_wh
    net_wh = net_export_wh(problem, flow_wh)

    found = routes(problem, net_wh, flow_wh)

    left = net_wh.copy()
    np.subtract.at(left, found.seller_cell, found.energy_wh)
    np.add.at(left, found.buyer_cell, found.energy_wh)
    assert not left.any()
    assert (net_wh[found.seller_cell] > 0).all()
    assert (net_wh[found.buyer_cell] < 0).all()
    assert (found.energy_wh > 0).all()
    ends = [(found.passes(number)[0], found.passes(number)[-1]) for number in range(len(found))]
    cells = zip(found.seller_cell % problem.zones, found.buyer_cell % problem.zones, strict=True)
    assert ends == [(int(seller), int(buyer)) for seller, buyer in cells]


def test_a_route_ends_in_the_first_zone_in_need() -> None:
    """Zone 0 sends 10 on to zone 1, which keeps 4 and sends 6 on to zone 2."""
    problem = ClearingProblem(
        intervals=1,
        zones=3,
        orders=orders([("B", 4, 50), ("C", 6, 50)], [("S", 10, 10)], zones=[1, 2, 0]),
        links=links((0, 1, 99, 1), (1, 2, 99, 1)),
    )

    found = routes(problem, np.array([10, -4, -6]), np.array([[10, 6]]))

    assert [found.passes(number) for number in range(len(found))] == [(0, 1), (0, 1, 2)]
    assert found.energy_wh.tolist() == [4, 6]


def test_no_flows_have_no_routes() -> None:
    problem = book([("B", 4, 50)], [("S", 4, 10)])

    assert len(routes(problem, np.zeros(1, np.int64), np.zeros((1, 0), np.int64))) == 0
