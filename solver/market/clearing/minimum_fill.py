"""Orders that are filled at least so far or not at all.

The market without minima is solved first. An order that it fills, but not as far as its minimum, is the last one
reached in its cell; it is dropped, and the market of the rest solved again, until every minimum holds. Dropping one
order may leave room for another that was dropped before it: so dropped orders are tried again, and one that may
return without breaking a minimum does. What is left is a clearing of the orders that were not dropped, at prices that
support it: nobody trades beyond its limit, and each dropped order is one that no longer fits.

Where few orders have a minimum, the set to drop is searched for (branch and bound): a market without some orders is
worth at least as much as one without more of them, so what is not worth more than the best found is not followed.
Every clearing at uniform prices that keeps the minima is such a set. The search is exact unless it meets its limit.

Decision, 2026-11-21: the sets are searched, not the energies. A mixed-integer program would return fills that no price
supports, and it would be other code than clears. Context: with minima the largest welfare may have no uniform price: an
order would have to be filled at a loss (European markets forbid this as well: paradoxically accepted blocks are taken
out). Consequence: the welfare is that of the best uniform price; `bound` tells what minima cost.

Intervals are independent, save those tied by shared orders (`joint.blocks`); all are solved in one go each time.
"""

from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np

from solver.market.cells.joint import blocks
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Wh
from solver.market.clearing.optimum import Optimum, optimum, part_of, welfare_ticks_wh

# The set to drop is searched for where so few orders have a minimum, in so many steps, which together clear so many
# orders: a limit of work and not of time, so that the answer is always the same.
FEW_MINIMA = 12
STEPS_MAX = 400
ORDERS_CLEARED_MAX = 20_000

Dropped = frozenset[int]


@dataclass(frozen=True, slots=True)
class Settled:
    """An optimum that keeps the minimum fills; is_dropped: orders left out of it for the sake of theirs.

    welfare_ticks_wh: of each interval; bound_ticks_wh: the same if there were no minima.
    """

    best: Optimum
    left_wh: Wh
    is_dropped: Mask
    welfare_ticks_wh: tuple[int, ...]
    bound_ticks_wh: tuple[int, ...]


def settled(problem: ClearingProblem, left_wh: Wh) -> Settled:
    """Trade what is left of each order, keeping minimum fills."""
    minimum_wh = problem.orders.minimum_fill_wh
    if minimum_wh is None or not minimum_wh.any():
        best = optimum(problem, left_wh)
        welfare = welfare_ticks_wh(problem, best)
        return Settled(best, left_wh, np.zeros(len(left_wh), np.bool_), welfare, welfare)
    return _Settling(problem, left_wh, minimum_wh).settled()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Some blocks cleared without the orders that each drops; numbers of orders are those of the whole problem."""

    intervals: Indices
    members: Indices
    part: ClearingProblem
    best: Optimum


@dataclass(frozen=True, slots=True)
class _Found:
    """What a trial says of a block: its welfare, and its orders with a minimum that are filled too little, or well."""

    welfare: int
    violators: tuple[int, ...]
    others: tuple[int, ...]


class _Settling:
    """The search, block by block in step with each other."""

    def __init__(self, problem: ClearingProblem, left_wh: Wh, minimum_wh: Wh) -> None:
        self.problem = problem
        self.minimum_wh = minimum_wh
        self.left_wh = np.where(left_wh < minimum_wh, 0, left_wh)  # Too little is left to reach the minimum.
        self.is_dropped = (left_wh > 0) & (self.left_wh == 0)
        self.block = blocks(problem)
        self.block_of_order = self.block[problem.orders.interval]
        self.dropped: dict[int, Dropped] = dict.fromkeys(np.unique(self.block).tolist(), Dropped())
        self.failed: set[tuple[int, Dropped]] = set()
        self.fill_wh = np.zeros(len(left_wh), np.int64)
        self.flow_wh = np.zeros((problem.intervals, len(problem.links)), np.int64)

    def settled(self) -> Settled:
        whole = self._clear(self.dropped)
        bound = welfare_ticks_wh(whole.part, whole.best)
        self._drop_until_all_hold(whole)
        self._take_back(self.dropped)
        steps = self._steps()
        if steps:
            self._search(steps)
            self._take_back(steps)
        for dropped in self.dropped.values():
            self.is_dropped[list(dropped)] = True
        left_wh = np.where(self.is_dropped, 0, self.left_wh)
        best = Optimum(self.fill_wh, self.flow_wh)
        return Settled(best, left_wh, self.is_dropped, welfare_ticks_wh(self.problem, best), bound)

    def _clear(self, dropped: dict[int, Dropped]) -> _Trial:
        """Solve the named blocks without the orders that each is to drop."""
        intervals = np.flatnonzero(np.isin(self.block, list(dropped)))
        members, part = part_of(self.problem, intervals)
        left_wh = self.left_wh.copy()
        left_wh[[order for each in dropped.values() for order in each]] = 0
        return _Trial(intervals, members, part, optimum(part, left_wh[members]))

    def _violators(self, trial: _Trial) -> dict[int, list[int]]:
        fill_wh = trial.best.fill_wh
        return self._by_block(trial.members[(fill_wh > 0) & (fill_wh < self.minimum_wh[trial.members])])

    def _by_block(self, orders: Indices) -> dict[int, list[int]]:
        """Orders of each block that has any, in order of arrival."""
        found: dict[int, list[int]] = {}
        for order in orders[np.argsort(self.problem.orders.sequence[orders])].tolist():
            found.setdefault(int(self.block_of_order[order]), []).append(order)
        return found

    def _keep(self, trial: _Trial, kept: Iterable[int], dropped: dict[int, Dropped]) -> None:
        """Take over what a trial made of some blocks."""
        numbers = list(kept)
        is_kept = np.isin(self.block[trial.intervals], numbers)
        self.flow_wh[trial.intervals[is_kept]] = trial.best.flow_wh[is_kept]
        is_kept = np.isin(self.block_of_order[trial.members], numbers)
        self.fill_wh[trial.members[is_kept]] = trial.best.fill_wh[is_kept]
        self.dropped |= {number: dropped[number] for number in numbers}

    def _drop_until_all_hold(self, trial: _Trial) -> None:
        tried = self.dropped
        while True:
            violators = self._violators(trial)
            self._keep(trial, tried.keys() - violators.keys(), tried)
            if not violators:
                return
            self.failed |= {(number, tried[number]) for number in violators}
            tried = {number: tried[number].union(orders) for number, orders in violators.items()}
            trial = self._clear(tried)

    def _take_back(self, numbers: Iterable[int]) -> None:
        """Let dropped orders return, the earliest first, as long as one can without breaking a minimum."""
        while tried := {number: fewer for number in numbers if (fewer := self._untried(number)) is not None}:
            trial = self._clear(tried)
            violators = self._violators(trial)
            self.failed |= {(number, tried[number]) for number in violators}
            self._keep(trial, tried.keys() - violators.keys(), tried)

    def _untried(self, number: int) -> Dropped | None:
        """What a block drops less one order, which was not seen to break a minimum."""
        dropped = self.dropped[number]
        for order in sorted(dropped, key=self.problem.orders.sequence.__getitem__):
            if (number, dropped - {order}) not in self.failed:
                return dropped - {order}
        return None

    def _steps(self) -> dict[int, int]:
        """Steps to search in, of the blocks that dropped something and have few minima."""
        count = np.bincount(self.block_of_order, minlength=len(self.dropped))
        minima = np.bincount(self.block_of_order, weights=self.minimum_wh > 0, minlength=len(self.dropped))
        return {
            number: min(STEPS_MAX, ORDERS_CLEARED_MAX // int(count[number]))
            for number, dropped in self.dropped.items()
            if dropped and minima[number] <= FEW_MINIMA
        }

    def _search(self, steps: dict[int, int]) -> None:
        """Advance the searches of all blocks step by step, keeping the best of each."""
        worth = self._welfare(self._clear({number: self.dropped[number] for number in steps}))
        searches = {number: _branches(worth[number]) for number in steps}
        tried = {number: next(search) for number, search in searches.items()}
        for step in range(STEPS_MAX):
            tried = {number: dropped for number, dropped in tried.items() if step < steps[number]}
            if not tried:
                return
            trial = self._clear(tried)
            found = self._found(trial, tried)
            better = [n for n, each in found.items() if not each.violators and each.welfare > worth[n]]
            self._keep(trial, better, tried)
            worth |= {number: found[number].welfare for number in better}
            advanced = {number: _following(searches[number], found[number]) for number in tried}
            tried = {number: dropped for number, dropped in advanced.items() if dropped is not None}

    def _welfare(self, trial: _Trial) -> dict[int, int]:
        total: dict[int, int] = {}
        each_interval = welfare_ticks_wh(trial.part, trial.best)
        for number, welfare in zip(self.block[trial.intervals].tolist(), each_interval, strict=True):
            total[number] = total.get(number, 0) + welfare
        return total

    def _found(self, trial: _Trial, tried: Iterable[int]) -> dict[int, _Found]:
        welfare, violators = self._welfare(trial), self._violators(trial)
        has_minimum = self.minimum_wh[trial.members] > 0
        filled = self._by_block(trial.members[has_minimum & (trial.best.fill_wh > 0)])
        return {
            number: _Found(
                welfare[number],
                tuple(violators.get(number, ())),
                tuple(order for order in filled.get(number, ()) if order not in violators.get(number, ())),
            )
            for number in tried
        }


def _branches(best: int) -> Generator[Dropped, _Found, None]:
    """Sets to drop, each answered by what was found without them; never below one not worth more than the best."""

    def below(dropped: Dropped, kept: Dropped) -> Generator[Dropped, _Found, None]:
        nonlocal best
        found = yield dropped
        if found.welfare <= best:
            return
        if not found.violators:
            best = found.welfare
            return
        for order in (*found.violators, *found.others):
            if order not in kept:
                yield from below(dropped | {order}, kept)
                kept = kept | {order}

    yield from below(Dropped(), Dropped())


def _following(search: Generator[Dropped, _Found, None], found: _Found) -> Dropped | None:
    try:
        return search.send(found)
    except StopIteration:
        return None
