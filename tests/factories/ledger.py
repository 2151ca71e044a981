"""Money for tests."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import domain.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.database import new_id
from domain.ledger import accounts, transfers
from domain.ledger.accounts import Wallet
from domain.ledger.tables import AccountKind, TransferKind
from domain.ledger.transfers import NewTransfer
from domain.quantities import parse_micro
from tests.factories.market import now

EUR = 1_000_000


async def a_deposit(session: AsyncSession, owner_id: UUID, eur: str = "100") -> UUID:
    """Money that a user has available, as if paid in; gives the id of the transfer."""
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    wallet = await the_wallet(session, owner_id)
    amount_ueur = parse_micro(eur)
    amounts = {external_id: -amount_ueur, wallet.available_id: amount_ueur}
    transfer = NewTransfer(TransferKind.DEPOSIT, f"test:{new_id()}", amounts)
    await transfers.post(session, [transfer], actor="test", now=now())
    return transfer.id


async def the_wallet(session: AsyncSession, owner_id: UUID) -> Wallet:
    """A user's accounts as they stand, locked."""
    return (await accounts.hold(session, [owner_id])).wallets[owner_id]
