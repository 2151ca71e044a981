"""Holds: what of an owner's money is kept for the open part of an order.

hold = the open energy of each delivery interval x the most that a kWh may cost, rounded up per interval; of a flexible
order its open energy once. It shrinks with every fill, expiry and at the end, and never grows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.kernel.quantities import MICRO
from domain.kernel.sql import Transaction
from domain.ledger import accounts, transfers
from domain.ledger.tables import TransferKind
from domain.ledger.transfers import NewTransfer


@dataclass(frozen=True, slots=True)
class Kept:
    """What was held for an order before, and what is from now on, micro-EUR."""

    order_id: UUID
    owner_id: UUID
    was_ueur: int
    is_ueur: int

    @property
    def reference(self) -> str:
        """Names the change: holds only shrink, so an order has each amount once."""
        return f"order:{self.order_id}:{self.is_ueur}"


def hold_ueur(energy_ukwh: int, exposure_ueur_per_kwh: int, intervals: int) -> int:
    """What an order over some intervals needs held, micro-EUR, rounded up in each."""
    return -(-energy_ukwh * exposure_ueur_per_kwh // MICRO) * intervals


async def release(transaction: Transaction, kept: Sequence[Kept], *, actor: str, now: datetime) -> None:
    """Make available what is no longer held for orders, which the caller has locked and restated."""
    freed = [each for each in kept if each.was_ueur > each.is_ueur]
    if not freed:
        return
    held = await accounts.hold(transaction, {each.owner_id for each in freed})
    made = [_release(each, held.wallets) for each in freed]
    await transfers.post(transaction, made, actor=actor, now=now)


def _release(kept: Kept, wallets: Mapping[UUID, accounts.Wallet]) -> NewTransfer:
    wallet, freed = wallets[kept.owner_id], kept.was_ueur - kept.is_ueur
    amounts = {wallet.held_id: -freed, wallet.available_id: freed}
    return NewTransfer(TransferKind.RELEASE, kept.reference, amounts, ("Order", kept.order_id))
