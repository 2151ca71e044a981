"""Orders that are filled at least so far or not at all.

The market without minima is solved first. Whether it leaves room for all of them is judged with the minima in its flow:
of the many optima that ties allow, one that fills every order reached so far is taken (`ties`). Where none does, an
order that is filled less than its minimum is dropped, and the market of the rest solved again, until every minimum
holds. Dropping one order may leave room for another that was dropped before it: so dropped orders are tried again, and
one that may return without breaking a minimum does. What is left is a clearing of the orders that were not dropped, at
prices that support it: nobody trades beyond its limit, and each dropped order is one that no longer fits.

Where at most `FEW_MINIMA` orders of an interval have a minimum, in all linked zones together (of intervals that shared
orders tie, in all of these), the set to drop is searched for (`minimum_search`): each clearing at uniform prices that
keeps the minima is such a set, so the welfare found is the largest. There are at most 4,096 sets; only where a batch
would have to look at more than `SETS_MAX` together it ends with the best so far. Beyond that number of minima what is
found by dropping and taking back stands, and `bound` tells how much better any outcome could be.

What is searched is the part of the market that dropping can change: without any sells that have a minimum prices are
highest, without any buys lowest, and no order beyond both is served otherwise by any set.

Decision, 2026-11-21: the sets are searched, not the energies. A mixed-integer program would return fills that no price
supports, and it would be other code than clears. Context: with minima the largest welfare may have no uniform price: an
order would have to be filled at a loss (European markets forbid this as well: paradoxically accepted blocks are taken
out). Consequence: the welfare is that of the best uniform price; `bound` tells what minima cost.

Intervals are independent, save those tied by shared orders (`joint.blocks`); all are solved in one go each time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from solver.market.cells.joint import blocks
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Side, Wh
from solver.market.clearing.condensed import condensed
from solver.market.clearing.minimum_search import Dropped, Found, branches, following, later_twins
from solver.market.clearing.optimum import Optimum, optimum, part_of, welfare_ticks_wh
from solver.market.flows.zone_prices import ZonePrices, put_together

# The set to drop is searched for where so few orders have a minimum, in so many sets of all intervals: a limit of work
# and not of time, so that the answer is always the same.
FEW_MINIMA = 12
SETS_MAX = 50_000


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
    return _Settling(problem, left_wh, minimum_wh, blocks(problem)).settled()


@dataclass(frozen=True, slots=True)
class _Trial:
    """Some blocks cleared without the orders that each drops; numbers of orders are those of the whole problem."""

    intervals: Indices
    members: Indices
    part: ClearingProblem
    best: Optimum


class _Settling:
    """The search, block by block in step with each other."""

    def __init__(self, problem: ClearingProblem, left_wh: Wh, minimum_wh: Wh, block: Indices) -> None:
        self.problem = problem
        self.minimum_wh = minimum_wh
        self.left_wh = np.where(left_wh < minimum_wh, 0, left_wh)  # Too little is left to reach the minimum.
        self.is_dropped = (left_wh > 0) & (self.left_wh == 0)
        self.block = block  # Of each interval.
        self.block_of_order = self.block[problem.orders.interval]
        self.dropped: dict[int, Dropped] = dict.fromkeys(np.unique(self.block).tolist(), Dropped())
        self.failed: set[tuple[int, Dropped]] = set()
        self.fill_wh = np.zeros(len(left_wh), np.int64)
        self.flow_wh = np.zeros((problem.intervals, len(problem.links)), np.int64)
        self.prices: ZonePrices | None = None

    def settled(self) -> Settled:
        whole = self._clear(self.dropped)
        bound = welfare_ticks_wh(whole.part, whole.best)
        self._drop_until_all_hold(whole)
        self._take_back(self.dropped)
        searched = self._searched()
        if searched:
            self._exchange(self._better(searched))
            self._take_back(searched)
        for dropped in self.dropped.values():
            self.is_dropped[list(dropped)] = True
        left_wh = np.where(self.is_dropped, 0, self.left_wh)
        assert self.prices is not None, "a block was not settled"
        best = Optimum(self.fill_wh, self.flow_wh, self.prices)
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
        prices = (trial.intervals[is_kept], trial.best.prices.of_intervals(is_kept))
        before = () if self.prices is None else ((np.arange(self.problem.intervals), self.prices),)
        self.prices = put_together(self.problem.intervals, *before, prices)
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

    def _searched(self) -> list[int]:
        """The blocks that dropped something and have few minima."""
        has_minimum = (self.minimum_wh > 0) & (self.left_wh > 0)
        minima = np.bincount(self.block_of_order[has_minimum], minlength=len(self.dropped))
        return [number for number, dropped in self.dropped.items() if dropped and minima[number] <= FEW_MINIMA]

    def _better(self, numbers: list[int]) -> dict[int, Dropped]:
        """The best sets to drop of the named blocks, where those so far are not."""
        core, given = self._core(numbers)
        place = {order: at for at, order in enumerate(given.tolist())}
        for at, number in enumerate(numbers):
            core.dropped[at] = Dropped(place[order] for order in self.dropped[number])
        better = core.searched()
        return {numbers[at]: Dropped(given[list(dropped)].tolist()) for at, dropped in better.items()}

    def _core(self, numbers: list[int]) -> tuple["_Settling", Indices]:
        """The named blocks (ascending) without what no set to drop can change, and the order that each of its was."""
        is_buy = self.problem.orders.side == Side.BUY
        dear, cheap = (
            self._clear({number: self._with_minimum(number, ~is_buy if is_dear else is_buy) for number in numbers})
            for is_dear in (True, False)
        )
        left_wh = self.left_wh[dear.members]
        core, places = condensed(dear.part, left_wh, self.minimum_wh[dear.members], cheap.best.prices, dear.best.prices)
        minimum_wh = core.orders.minimum_fill_wh
        assert minimum_wh is not None, "there are minima"
        # Blocks stay what they are, also where no shared order is left to tie their intervals together.
        block = np.searchsorted(numbers, self.block[dear.intervals])
        return _Settling(core, core.orders.energy_wh, minimum_wh, block), dear.members[places]

    def _with_minimum(self, number: int, is_chosen: Mask) -> Dropped:
        """Those of some orders that have a minimum, in a block."""
        chosen = is_chosen & (self.minimum_wh > 0) & (self.left_wh > 0) & (self.block_of_order == number)
        return Dropped(np.flatnonzero(chosen).tolist())

    def searched(self) -> dict[int, Dropped]:
        """The best sets to drop, of the blocks where the present ones are not the best."""
        worth = self._welfare(self._clear(self.dropped))
        has_minimum = np.flatnonzero(self.minimum_wh)
        twins = later_twins(self.problem, self.left_wh, self.minimum_wh, has_minimum)
        searches = {number: branches(welfare, twins) for number, welfare in worth.items()}
        tried, better, sets = {number: next(search) for number, search in searches.items()}, {}, 0
        while tried and sets < SETS_MAX:
            sets += len(tried)
            found = self._found(self._clear(tried), tried)
            for number, each in found.items():
                if each.is_kept and each.welfare > worth[number]:
                    worth[number], better[number] = each.welfare, tried[number]
            advanced = {number: following(searches[number], each) for number, each in found.items()}
            tried = {number: dropped for number, dropped in advanced.items() if dropped is not None}
        return better

    def _exchange(self, better: dict[int, Dropped]) -> None:
        """Drop other sets than so far."""
        if better:
            self._keep(self._clear(better), better, better)

    def _welfare(self, trial: _Trial) -> dict[int, int]:
        total: dict[int, int] = {}
        each_interval = welfare_ticks_wh(trial.part, trial.best)
        for number, welfare in zip(self.block[trial.intervals].tolist(), each_interval, strict=True):
            total[number] = total.get(number, 0) + welfare
        return total

    def _found(self, trial: _Trial, tried: dict[int, Dropped]) -> dict[int, Found]:
        welfare, violators = self._welfare(trial), self._violators(trial)
        orders, members = self.problem.orders, trial.members
        price = trial.best.prices.supporting_ticks.ravel()[trial.part.cell]
        is_counted = (trial.best.fill_wh > 0) | (orders.limit_price_ticks[members] == price)
        counted = self._by_block(members[is_counted & (self.minimum_wh[members] > 0)])

        def in_turn(number: int, dropped: Dropped) -> tuple[int, ...]:
            """Those that came last go first, and before all others those that are filled too little."""
            short = violators.get(number, [])
            kept = [order for order in counted.get(number, []) if order not in short and order not in dropped]
            return (*reversed(short), *reversed(kept))

        return {
            number: Found(welfare[number], number not in violators, in_turn(number, dropped))
            for number, dropped in tried.items()
        }
