"""Zones and links in an order that depends on the orders alone, so that no answer depends on how they are listed.

Zones are numbered by the first order that arrives in them, those without orders by how they are linked to the others;
links by where they lead, their cost and their capacity. What is then still listed by chance are zones without orders,
and links, that are alike in every respect.
"""

from bisect import bisect_left
from dataclasses import dataclass, replace

import numpy as np

from solver.machine_code import COLUMN, OUT, compiled
from solver.market.cells.problem import ClearingProblem, Indices, Links, Wh, derived

_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Numbered:
    """A problem numbered so; zone: the new number of each zone that was given; link: the given link of each new one."""

    problem: ClearingProblem
    zone: Indices
    link: Indices

    def given_flow_wh(self, flow_wh: Wh) -> Wh:
        """Flows of this problem, shape (intervals, links), on the links as they were given."""
        given = np.empty_like(flow_wh)
        given[:, self.link] = flow_wh
        return given


def numbered(problem: ClearingProblem) -> Numbered:
    """The problem with its zones and links numbered anew; the same where they are numbered so or nothing is linked."""
    links, none = problem.links, Numbered(problem, np.arange(problem.zones), np.arange(len(problem.links)))
    if len(links) == 0 or len(problem.orders) == 0:
        return none
    zone = _zones(problem)
    start, end = zone[links.from_zone], zone[links.to_zone]
    link = np.lexsort((*links.capacity_wh.reshape(-1, len(links)), links.cost_ticks, end, start))
    if (zone[1:] > zone[:-1]).all() and (link[1:] > link[:-1]).all():
        return none
    ways = Links(start[link], end[link], links.capacity_wh[..., link], links.cost_ticks[link])
    orders = replace(problem.orders, zone=zone[problem.orders.zone])
    return Numbered(derived(problem, orders=orders, links=ways), zone, link)


def _zones(problem: ClearingProblem) -> Indices:
    """New numbers of zones."""
    first = np.full(problem.zones, _NEVER)
    _find_first(problem.orders.zone, problem.orders.sequence, first)
    number = np.empty(problem.zones, np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(problem.zones)
    empty = np.flatnonzero(first == _NEVER)
    if len(empty) > 1:
        alike = _told_apart(problem, number, empty)
        number[empty[np.argsort(alike, kind="stable")]] = problem.zones - len(empty) + np.arange(len(empty))
    return number


def _told_apart(problem: ClearingProblem, number: Indices, empty: Indices) -> Indices:
    """Ranks of zones without orders by their links, and by the ranks of those they are linked to; alike ones equal."""
    links, rank = problem.links, number.copy()
    rank[empty], kinds = problem.zones, 1
    terms = [tuple(each) for each in np.vstack((links.cost_ticks, links.capacity_wh)).T.tolist()]
    ways: dict[int, list[tuple[int, int, tuple[int, ...]]]] = {zone: [] for zone in empty.tolist()}
    for start, end, each in zip(links.from_zone.tolist(), links.to_zone.tolist(), terms, strict=True):
        if start in ways:
            ways[start].append((end, 0, each))
        if end in ways:
            ways[end].append((start, 1, each))
    while True:
        signs = {
            zone: (int(rank[zone]), sorted((int(rank[other]), way, each) for other, way, each in found))
            for zone, found in ways.items()
        }
        order = sorted(signs.values())
        rank[empty] = [problem.zones + bisect_left(order, signs[zone]) for zone in empty.tolist()]
        if len(set(rank[empty].tolist())) == kinds:
            return rank[empty]
        kinds = len(set(rank[empty].tolist()))


@compiled("void", COLUMN, COLUMN, OUT)
def _find_first(zone: Indices, sequence: Indices, first: Indices) -> None:
    for order in range(len(zone)):
        first[zone[order]] = min(first[zone[order]], sequence[order])
