"""What each pair of a clearing pays and gets, by the rule of its market.

Let p_b and p_s be the uniform prices where buyer and seller stand, s = (bid - p_b) + (p_s - ask) what they gain
beyond them together; s >= 0, since prices support the clearing.

    UNIFORM      buyer pays p_b              seller gets p_s
    PAY_AS_BID   buyer pays bid              seller gets ask + s
    MIDPOINT     buyer pays bid - s / 2      seller gets ask + s / 2

In one cell p_b = p_s: pay-as-bid is the bid, midpoint the mean of bid and ask. In each rule the buyer pays p_b - p_s
more than the seller gets: what transfers cost and earn does not depend on the rule, and no rule changes who trades.
Uniform prices are whole halves of a tick, so s / 2 is a whole quarter: nothing is rounded.

A pair of two markets of different rules trades by UNIFORM, so that neither market's rule is paid for by the other.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from domain.kernel.quantities import TICK_UEUR_PER_KWH
from solver.market.cells.problem import ClearingProblem, Indices
from solver.market.clearing.clearing import Clearing


class PairRule(IntEnum):
    """How a pair shares what it gains beyond the uniform prices."""

    UNIFORM = 0
    PAY_AS_BID = 1
    MIDPOINT = 2


@dataclass(frozen=True, slots=True)
class PairPrices:
    """Micro-EUR/kWh of each pair of a clearing: what its buyer pays, and what its seller gets."""

    paid_ueur_per_kwh: NDArray[np.int64]
    got_ueur_per_kwh: NDArray[np.int64]


def pair_prices(problem: ClearingProblem, clearing: Clearing, rule_of_zone: Indices) -> PairPrices:
    """Prices of all pairs; rule_of_zone: the `PairRule` of each zone of the problem."""
    orders, pairs = problem.orders, clearing.pairings
    uniform = clearing.prices.price_ueur_per_kwh.ravel()[problem.cell]
    bid = orders.limit_price_ticks[pairs.buy] * TICK_UEUR_PER_KWH
    ask = orders.limit_price_ticks[pairs.sell] * TICK_UEUR_PER_KWH
    price_b, price_s = uniform[pairs.buy], uniform[pairs.sell]
    gain = bid - price_b + price_s - ask
    rule_b, rule_s = rule_of_zone[orders.zone[pairs.buy]], rule_of_zone[orders.zone[pairs.sell]]
    rule = np.where(rule_b == rule_s, rule_b, PairRule.UNIFORM)
    kept = np.choose(rule, (bid - price_b, np.zeros_like(gain), gain // 2))
    return PairPrices(paid_ueur_per_kwh=bid - kept, got_ueur_per_kwh=ask + gain - kept)
