"""Why an order got what it got, told by price, then time, then limits."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from domain.kernel.quantities import TICK_UEUR_PER_KWH
from solver.market.cells.problem import ClearingProblem, Indices, Mask, Side
from solver.market.clearing.clearing import Clearing


class Reason(Enum):
    """What decided an order's fill."""

    FILLED = "better than or at the zone's price, and reached before the traded energy ran out"
    PARTLY_FILLED = "the last order reached: those ahead by price and time left it only a part"
    BEHIND_IN_TIME = "at the price of the last order reached, but it arrived later"
    OUTPRICED = "those ahead by price took all that was traded"
    NOTHING_TRADED = "nobody's price met anybody's within the transfer limits"
    BELOW_MINIMUM = "there was no room for its minimum fill"
    ELSEWHERE = "all that it may trade in its intervals together was traded in others"
    OWN_ORDER_WITHDRAWN = "the rest could have been served only by its owner's own order"


@dataclass(frozen=True, slots=True)
class Explanation:
    """One order's fill and what decided it; energies in Wh, all of one interval, zone and side.

    fill_wh == clip(traded_wh - ahead_wh, 0, energy_wh - withdrawn_wh), for every order that is neither dropped for
    its minimum nor shared by several intervals.
    ahead_wh: energy of orders better in price, or equal and earlier. is_price_beaten: the limit is strictly
    better than the zone's price, at_price: equal to it (both False where there is none).
    binding_links: links at this zone filled to capacity across which the price still differs by more than
    their cost; but for them more would have been traded.
    """

    order: int
    reason: Reason
    energy_wh: int
    withdrawn_wh: int
    ahead_wh: int
    traded_wh: int
    fill_wh: int
    limit_price_ueur_per_kwh: int
    price_ueur_per_kwh: int | None
    is_price_beaten: bool
    is_at_price: bool
    binding_links: tuple[int, ...]


def explain(problem: ClearingProblem, clearing: Clearing, order: int) -> Explanation:
    """Explain the fill of one order of a cleared problem. Raises IndexError for an order that is not in it."""
    if not 0 <= order < len(problem.orders):
        raise IndexError(f"order {order} is not one of the {len(problem.orders)} in this problem")
    orders = problem.orders
    rivals = np.flatnonzero((problem.cell == problem.cell[order]) & (orders.side == orders.side[order]))
    ahead = rivals[_is_ahead(problem, rivals, order)]
    ahead_wh = int((orders.energy_wh - clearing.withdrawn_wh)[ahead[~clearing.is_dropped[ahead]]].sum())
    zone = int(orders.interval[order]), int(orders.zone[order])
    limit = int(orders.limit_price_ticks[order]) * TICK_UEUR_PER_KWH
    price = int(clearing.prices.price_ueur_per_kwh[zone]) if clearing.prices.is_priced[zone] else None
    better = 0 if price is None else (limit - price) * _direction(orders.side[order])
    return Explanation(
        order=order,
        reason=_reason(problem, clearing, order, rivals, is_worse_than_price=better < 0),
        energy_wh=int(orders.energy_wh[order]),
        withdrawn_wh=int(clearing.withdrawn_wh[order]),
        ahead_wh=ahead_wh,
        traded_wh=int(clearing.fill_wh[rivals].sum()),
        fill_wh=int(clearing.fill_wh[order]),
        limit_price_ueur_per_kwh=limit,
        price_ueur_per_kwh=price,
        is_price_beaten=better > 0,
        is_at_price=price is not None and better == 0,
        binding_links=_binding_links(problem, clearing, *zone),
    )


def _direction(side: int) -> int:
    """+1 where a higher limit is better (buys), -1 where a lower one is."""
    return 1 if side == Side.BUY else -1


def _is_ahead(problem: ClearingProblem, rivals: Indices, order: int) -> Mask:
    orders = problem.orders
    lead = (orders.limit_price_ticks[rivals] - orders.limit_price_ticks[order]) * _direction(orders.side[order])
    is_ahead: Mask = (lead > 0) | ((lead == 0) & (orders.sequence[rivals] < orders.sequence[order]))
    return is_ahead


def _reason(
    problem: ClearingProblem, clearing: Clearing, order: int, rivals: Indices, *, is_worse_than_price: bool
) -> Reason:
    energy_wh, fill_wh = problem.orders.energy_wh[order], clearing.fill_wh[order]
    if fill_wh == energy_wh:
        return Reason.FILLED
    is_cut = clearing.withdrawn_wh[order] > 0 and fill_wh == energy_wh - clearing.withdrawn_wh[order]
    if is_cut and not is_worse_than_price:
        return Reason.OWN_ORDER_WITHDRAWN
    if clearing.is_dropped[order]:
        return Reason.BELOW_MINIMUM
    if _is_traded_elsewhere(problem, clearing, order):
        return Reason.ELSEWHERE
    return Reason.PARTLY_FILLED if fill_wh > 0 else _reason_of_nothing(problem, clearing, order, rivals)


def _reason_of_nothing(problem: ClearingProblem, clearing: Clearing, order: int, rivals: Indices) -> Reason:
    reached = rivals[clearing.fill_wh[rivals] > 0]
    if len(reached) == 0:
        return Reason.OUTPRICED if clearing.is_traded.ravel()[problem.cell[order]] else Reason.NOTHING_TRADED
    limit = problem.orders.limit_price_ticks
    return Reason.BEHIND_IN_TIME if limit[order] in limit[reached] else Reason.OUTPRICED


def _is_traded_elsewhere(problem: ClearingProblem, clearing: Clearing, order: int) -> bool:
    """Whether all of a shared order is filled in its intervals together."""
    shared = problem.orders.shared
    if shared is None or shared[order] < 0:
        return False
    entries = shared == shared[order]
    return bool(clearing.fill_wh[entries].sum() == problem.orders.energy_wh[entries].max())


def _binding_links(problem: ClearingProblem, clearing: Clearing, interval: int, zone: int) -> tuple[int, ...]:
    links, prices = problem.links, clearing.prices
    start, end = (interval, links.from_zone), (interval, links.to_zone)
    touches = (links.from_zone == zone) | (links.to_zone == zone)
    is_full = clearing.flow_wh[interval] == problem.capacity_wh[interval]
    gain = prices.lowest_ticks[end] - prices.highest_ticks[start] - links.cost_ticks
    is_priced = prices.has_lowest[end] & prices.has_highest[start]
    return tuple(np.flatnonzero(touches & is_full & is_priced & (gain > 0)).tolist())
