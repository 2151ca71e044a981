"""What owners of orders are told of a batch."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from domain.events.notices import NewNotice
from domain.kernel.quantities import MICRO, round_half_even
from domain.market.clearing.trades import TradeRow
from domain.market.clearing.words import ORDER_FILLED

Filled = tuple[UUID, UUID, UUID, int]  # Owner, order and market, and whether its owner gets money (1) or pays it (-1).


def of_filled(traded: Sequence[TradeRow]) -> list[NewNotice]:
    """What the owners of filled orders should hear: of each order, the energy and its mean price in this batch, what
    that comes to before charges, and from when to when it is delivered.
    """
    told: dict[Filled, list[tuple[TradeRow, int]]] = defaultdict(list)
    for row in traded:
        bought = row.buyer_id, row.buy_order_id, row.market_id, -1
        sold = row.seller_id, row.sell_order_id, row.seller_market_id, 1
        told[bought].append((row, row.price_ueur_per_kwh))
        told[sold].append((row, row.seller_price_ueur_per_kwh))
    return [_filled(filled, parts) for filled, parts in told.items()]


def _filled(filled: Filled, parts: Sequence[tuple[TradeRow, int]]) -> NewNotice:
    user_id, order_id, market_id, sign = filled
    row, price = parts[0]
    energy, worth, start, end = row.energy_ukwh, row.energy_ukwh * price, row.delivery_start, row.delivery_end
    for row, price in parts[1:]:
        energy, worth = energy + row.energy_ukwh, worth + row.energy_ukwh * price
        start, end = min(start, row.delivery_start), max(end, row.delivery_end)
    facts = {
        "order_id": order_id,
        "market_id": market_id,
        "energy_ukwh": energy,
        "price_ueur_per_kwh": round_half_even(worth, energy),
        "amount_ueur": round_half_even(sign * worth, MICRO),
        "delivery_start": start.isoformat(),
        "delivery_end": end.isoformat(),
    }
    return NewNotice(user_id, ORDER_FILLED, facts)
