"""How much of each trade was delivered: trades in their order, each up to what is left of both sides' metered energy.

    delivered = min(energy, rest of what the seller injected, rest of what the buyer withdrew)
    short of the seller = max(0, energy - the seller's rest); short of the buyer = whatever else was not delivered

Energy is metered in quarters of the hour. A trade over several of them takes from the earliest first, on each side, so
nothing is sold or bought twice however markets of different lengths meet (invariant I1).

A trade waits where a side's readings are not complete and it may still wait for them. What it would take is then not
known, so whatever follows it on either side in these quarters waits too: the outcome never depends on how often, or
when, one looks.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import MicroKwh
from solver.machine_code import COLUMN, MASK, OUT, OUT_MASK, compiled

QUARTERS = 4

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DeliveryProblem:
    """One hour: metered energy by user and quarter, flat, shape (users x 4,), micro-kWh, never negative; and trades.

    Missing readings count as zero in the energies and are told by the masks. Trades stand in the order in which they
    are delivered; `seller` and `buyer` are rows of users, `first_quarter` and `quarters` say which quarters, and
    `may_wait` whether a trade may wait for missing readings.
    """

    injected_ukwh: MicroKwh
    withdrawn_ukwh: MicroKwh
    is_injected_known: Mask
    is_withdrawn_known: Mask
    seller: Indices
    buyer: Indices
    first_quarter: Indices
    quarters: Indices
    energy_ukwh: MicroKwh
    may_wait: Mask


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Of each trade, micro-kWh; all zero where it waits (`is_decided` is false)."""

    delivered_ukwh: MicroKwh
    seller_short_ukwh: MicroKwh
    buyer_short_ukwh: MicroKwh
    is_decided: Mask
    is_provisional: Mask  # A reading was missing and counted as zero.


def deliver(problem: DeliveryProblem) -> Deliveries:
    """Deliver the trades of one hour in their order."""
    count = len(problem.energy_ukwh)
    delivered, seller_short, buyer_short = np.zeros((3, count), np.int64)
    is_decided, is_provisional = np.zeros((2, count), np.bool_)
    _deliver(
        problem.injected_ukwh.copy(),
        problem.withdrawn_ukwh.copy(),
        problem.is_injected_known,
        problem.is_withdrawn_known,
        problem.seller,
        problem.buyer,
        problem.first_quarter,
        problem.quarters,
        problem.energy_ukwh,
        problem.may_wait,
        delivered,
        seller_short,
        buyer_short,
        is_decided,
        is_provisional,
    )
    return Deliveries(delivered, seller_short, buyer_short, is_decided, is_provisional)


@compiled("void", OUT, OUT, MASK, MASK, *(COLUMN,) * 5, MASK, OUT, OUT, OUT, OUT_MASK, OUT_MASK)
def _deliver(
    injected: MicroKwh,
    withdrawn: MicroKwh,
    is_injected_known: Mask,
    is_withdrawn_known: Mask,
    seller: Indices,
    buyer: Indices,
    first_quarter: Indices,
    quarters: Indices,
    energy: MicroKwh,
    may_wait: Mask,
    delivered: MicroKwh,
    seller_short: MicroKwh,
    buyer_short: MicroKwh,
    is_decided: Mask,
    is_provisional: Mask,
) -> None:
    """Rests are taken from `injected` and `withdrawn`."""
    sold_waits, bought_waits = np.zeros(len(injected), np.bool_), np.zeros(len(withdrawn), np.bool_)
    for trade in range(len(energy)):
        sold = seller[trade] * QUARTERS + first_quarter[trade]
        bought = buyer[trade] * QUARTERS + first_quarter[trade]
        left_sold, left_bought, is_known, waits = 0, 0, True, False
        for quarter in range(quarters[trade]):
            left_sold += injected[sold + quarter]
            left_bought += withdrawn[bought + quarter]
            is_known &= is_injected_known[sold + quarter] and is_withdrawn_known[bought + quarter]
            waits |= sold_waits[sold + quarter] or bought_waits[bought + quarter]
        if waits or (may_wait[trade] and not is_known):
            for quarter in range(quarters[trade]):
                sold_waits[sold + quarter] = bought_waits[bought + quarter] = True
            continue
        given = min(energy[trade], left_sold, left_bought)
        is_decided[trade], is_provisional[trade] = True, not is_known
        delivered[trade] = given
        seller_short[trade] = max(0, energy[trade] - left_sold)
        buyer_short[trade] = energy[trade] - given - seller_short[trade]
        to_sell, to_buy = given, given
        for quarter in range(quarters[trade]):
            taken = min(to_sell, injected[sold + quarter])
            injected[sold + quarter] -= taken
            to_sell -= taken
            taken = min(to_buy, withdrawn[bought + quarter])
            withdrawn[bought + quarter] -= taken
            to_buy -= taken
