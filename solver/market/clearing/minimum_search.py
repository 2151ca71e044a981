"""The sets of orders to drop for the sake of minimum fills, one after another, until the best is known.

A market without some orders is worth at least as much as one without more of them, so what is not worth more than the
best found is not followed (branch and bound). Where the minima hold, no larger set can be worth more. Where they do
not, somebody else must go: one of those whose minimum counted, which are those that were filled and those at the price.
Of orders that are alike but for their arrival, all or nothing each, the later ones go first: in the place of an earlier
one a later one would change nothing but who trades.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np

from solver.market.cells.problem import ClearingProblem, Indices, Wh

Dropped = frozenset[int]
Search = Generator[Dropped, "Found", None]


@dataclass(frozen=True, slots=True)
class Found:
    """What is said of a set: the welfare without it, whether all minima hold, and whose minimum counted."""

    welfare: int
    is_kept: bool
    counted: tuple[int, ...]


def branches(best: int, later_twins: Mapping[int, Dropped]) -> Search:
    """Sets to drop, each answered by what was found without them; never below one not worth more than the best."""

    def below(dropped: Dropped, kept: Dropped) -> Search:
        nonlocal best
        found = yield dropped
        if found.welfare <= best:
            return
        if found.is_kept:
            best = found.welfare
            return
        for order in found.counted:
            together = later_twins.get(order, Dropped()) | {order}
            if kept.isdisjoint(together):
                yield from below(dropped | together, kept)
                kept = kept | {order}

    yield from below(Dropped(), Dropped())


def following(search: Search, found: Found) -> Dropped | None:
    """The next set after what was found of the last one; None at the end."""
    try:
        return search.send(found)
    except StopIteration:
        return None


def later_twins(problem: ClearingProblem, left_wh: Wh, minimum_wh: Wh, orders: Indices) -> dict[int, Dropped]:
    """Of each of some orders those that came later and are like it: as much, all or nothing, at one price and place."""
    columns = (problem.cell, problem.orders.side, problem.orders.limit_price_ticks, left_wh)
    alike: dict[tuple[int, ...], list[int]] = {}
    for order in orders[np.argsort(-problem.orders.sequence[orders])].tolist():
        if minimum_wh[order] == left_wh[order]:
            alike.setdefault(tuple(int(column[order]) for column in columns), []).append(order)
    return {order: Dropped(twins[:place]) for twins in alike.values() for place, order in enumerate(twins)}
