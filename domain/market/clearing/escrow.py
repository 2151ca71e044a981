"""Escrow: what trades may cost their sides leaves the holds of their orders, until delivery is metered.

Per trade one pending transfer `trade:<id>`: the buyer's and the seller's escrow go from what is held of theirs to the
escrow account of the buyer's market; `settlement` resolves it. Per order one release: what a fill leaves of its hold
beyond its escrows is available again, because trades are at the limit or better.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import accounts, transfers
from domain.ledger.accounts import Held
from domain.ledger.tables import AccountKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from domain.market.clearing.trades import TradeRow
from domain.market.orders.holds import Kept
from domain.market.places.charges import ROUNDED_OF_SIDE_UEUR


async def take(
    session: AsyncSession,
    kept: Sequence[Kept],
    trades: Sequence[TradeRow],
    *,
    batch: int,
    actor: str,
    now: datetime,
) -> None:
    """Move the escrow of a batch's trades out of the holds of their orders, and release what is left of those."""
    owners = {each.owner_id for each in kept}
    markets = {trade.market_id for trade in trades}
    held = await accounts.hold(session, owners, markets)
    made = [_into_escrow(trade, held) for trade in trades]
    made += _releases(kept, trades, held, batch)
    await transfers.post(session, made, actor=actor, now=now)


def _into_escrow(trade: TradeRow, held: Held) -> NewTransfer:
    buyer, seller = held.wallets[trade.buyer_id], held.wallets[trade.seller_id]
    paid, kept = trade.buyer_escrow_ueur, trade.seller_escrow_ueur
    escrow = held.of_scope[trade.market_id, AccountKind.ESCROW]
    amounts = {buyer.held_id: -paid, seller.held_id: -kept, escrow: paid + kept}
    return NewTransfer(TransferKind.ESCROW, f"trade:{trade.id}", amounts, ("Trade", trade.id), TransferPhase.PENDING)


def _releases(kept: Sequence[Kept], trades: Sequence[TradeRow], held: Held, batch: int) -> list[NewTransfer]:
    """What each order's hold had more than its trades took; arithmetic is at the market's cost (see `ledger`)."""
    taken, rounding, count = _taken(trades, held)
    made = []
    for each in kept:
        wallet, left = held.wallets[each.owner_id], each.was_ueur - each.is_ueur - taken[each.order_id]
        assert left >= -ROUNDED_OF_SIDE_UEUR * count[each.order_id], (
            f"{each.reference} traded beyond its hold by {-left}"
        )
        other = wallet.available_id if left > 0 else rounding[each.order_id]
        amounts = {wallet.held_id: -left, other: left}
        reference = f"order:{each.order_id}:batch:{batch}"
        made.append(NewTransfer(TransferKind.RELEASE, reference, amounts, ("Order", each.order_id)))
    return made


def _taken(
    trades: Collection[TradeRow], held: Held
) -> tuple[Mapping[UUID, int], Mapping[UUID, UUID], Mapping[UUID, int]]:
    """By order: the escrow of its trades, the account for rounding of its market, and how many trades."""
    taken: dict[UUID, int] = defaultdict(int)
    rounding: dict[UUID, UUID] = {}
    count: dict[UUID, int] = defaultdict(int)
    for trade in trades:
        account = held.of_scope[trade.market_id, AccountKind.ROUNDING]
        for order_id, escrow_ueur in (
            (trade.buy_order_id, trade.buyer_escrow_ueur),
            (trade.sell_order_id, trade.seller_escrow_ueur),
        ):
            taken[order_id] += escrow_ueur
            rounding[order_id] = account
            count[order_id] += 1
    return taken, rounding, count
