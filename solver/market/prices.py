"""Rates made from a book of orders without clearing it, and the indicative price of the book.

Each takes the orders of one interval and zone and answers in micro-EUR/kWh, rounded half-even, or None when
the book is empty. With orders on one side only it is that side's best limit. Where the books cross in such a
way that some buy is below some sell, mid-market rate and ratio are undefined and the crossing price is taken.

Sources: mid-market rate (MMR) and supply-and-demand ratio (SDR) as in Liu, Yu, Wang, Li, Ma and Lei,
"Energy-Sharing Model With Price-Based Demand Response for Microgrids of Peer-to-Peer Prosumers", IEEE
Transactions on Power Systems 32(5), 2017; compensation, the free divider and the conventions above as in
INESC TEC's rec-operation, whose published examples are our tests.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np

from domain.kernel.errors import DomainError
from domain.kernel.quantities import TICK_UEUR_PER_KWH
from solver.market.cells.problem import ClearingProblem, Orders, Side, refusal
from solver.market.clearing.optimum import optimum
from solver.market.flows.zone_prices import ZonePrices

HALF = Fraction(1, 2)


class RatioUndefined(DomainError):
    """A supply/demand ratio price needs prices that are not negative."""

    def __init__(self, dearest_sell_ueur_per_kwh: int) -> None:
        super().__init__(f"The dearest sell is {dearest_sell_ueur_per_kwh} micro-EUR/kWh; the ratio needs 0 or more.")
        self.dearest_sell_ueur_per_kwh = dearest_sell_ueur_per_kwh


def indicative_prices(problem: ClearingProblem) -> ZonePrices:
    """Prices at which the book would clear now, network included; no pairs, minima and own orders not minded.

    For ticks between clearings.
    """
    return optimum(problem, problem.orders.energy_wh).prices


def crossing_price_ueur_per_kwh(orders: Orders) -> int | None:
    """Uniform price (midpoint rule) of one interval and zone, or the best limit of the only side there is."""
    zeros = np.zeros(len(orders), np.int64)
    alone = replace(orders, interval=zeros, zone=zeros, minimum_fill_wh=None, shared=None)
    problem = ClearingProblem(intervals=1, zones=1, orders=alone)
    prices = indicative_prices(problem)
    if prices.is_priced[0, 0]:
        return int(prices.price_ueur_per_kwh[0, 0])
    bound = prices.lowest_ticks if prices.has_lowest[0, 0] else prices.highest_ticks
    return int(bound[0, 0]) * TICK_UEUR_PER_KWH if len(orders) else None


def mid_market_rate_ueur_per_kwh(orders: Orders, divider: Fraction = HALF) -> int | None:
    """Between the dearest sell (divider 0) and the cheapest buy (divider 1); by default in the middle.

    rate = dearest sell + (cheapest buy - dearest sell) x divider
    """
    _check_share("divider", divider)
    gap = _gap(orders)
    if gap is None:
        return crossing_price_ueur_per_kwh(orders)
    dearest_sell, cheapest_buy = gap
    return round(dearest_sell + (cheapest_buy - dearest_sell) * divider)


def supply_demand_ratio_ueur_per_kwh(orders: Orders, compensation: Fraction = Fraction(0)) -> int | None:
    """Price falling from the cheapest buy towards the dearest sell as supply approaches demand.

    ratio = supply / demand;  floor = sell + (buy - sell) x compensation, with sell the dearest, buy the cheapest
    ratio < 1:   buy x floor / ((buy - floor) x ratio + floor)
    ratio >= 1:  sell + (floor - sell) / ratio
    Raises RatioUndefined where sell or buy is negative.
    """
    _check_share("compensation", compensation)
    gap = _gap(orders)
    if gap is None:
        return crossing_price_ueur_per_kwh(orders)
    sell, buy = gap
    if sell < 0:
        raise RatioUndefined(int(sell))
    is_buy = orders.side == Side.BUY
    ratio = Fraction(int(orders.energy_wh[~is_buy].sum()), int(orders.energy_wh[is_buy].sum()))
    floor = sell + (buy - sell) * compensation
    if ratio >= 1:
        return round(sell + (floor - sell) / ratio)
    span = (buy - floor) * ratio + floor
    return round(buy * floor / span) if span else 0


def _check_share(name: str, share: Fraction) -> None:
    if not 0 <= share <= 1:
        raise refusal(name, f"is {share}, expected 0 to 1")


def _gap(orders: Orders) -> tuple[Fraction, Fraction] | None:
    """Dearest sell and cheapest buy, micro-EUR/kWh; None without both sides or where they overlap."""
    is_buy = orders.side == Side.BUY
    buys, sells = orders.limit_price_ticks[is_buy], orders.limit_price_ticks[~is_buy]
    if len(buys) == 0 or len(sells) == 0 or buys.min() < sells.max():
        return None
    return Fraction(int(sells.max()) * TICK_UEUR_PER_KWH), Fraction(int(buys.min()) * TICK_UEUR_PER_KWH)
