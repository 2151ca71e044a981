"""What a clearing comes to for what is left of each order: fills, flows and pairs, minimum fills kept."""

from dataclasses import dataclass, replace

from solver.market.cells.problem import ClearingProblem, Mask, Wh
from solver.market.clearing.minimum_fill import settled
from solver.market.clearing.optimum import Optimum, pairs, places_of, remaining, renumbered
from solver.market.pairs.pairing import Pairings


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problem` and `best` are of the orders that take part only; the rest is numbered as in the whole problem.

    is_dropped: orders left out because their minimum cannot be reached. stuck: pairs that could not be kept from
    joining two orders of one owner; empty in a clearing. welfare_ticks_wh: of each interval; bound_ticks_wh: the same
    without minima.
    """

    problem: ClearingProblem
    best: Optimum
    fill_wh: Wh
    flow_wh: Wh
    pairings: Pairings
    stuck: Pairings
    is_dropped: Mask
    welfare_ticks_wh: tuple[int, ...]
    bound_ticks_wh: tuple[int, ...]


def outcome(problem: ClearingProblem, left_wh: Wh) -> Outcome:
    """Clear what is left of each order, Wh; an order of which nothing is left does not take part."""
    found = settled(problem, left_wh)
    kept = places_of(found.left_wh)
    part = remaining(problem, kept, found.left_wh)
    best = found.best if kept is None else replace(found.best, fill_wh=found.best.fill_wh[kept])
    pairings, stuck = pairs(part, best)
    return Outcome(
        problem=part,
        best=best,
        fill_wh=found.best.fill_wh,
        flow_wh=found.best.flow_wh,
        pairings=renumbered(pairings, kept),
        stuck=renumbered(stuck, kept),
        is_dropped=found.is_dropped,
        welfare_ticks_wh=found.welfare_ticks_wh,
        bound_ticks_wh=found.bound_ticks_wh,
    )
