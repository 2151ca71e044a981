"""Money for a crowd: the first user has fifty of everything, and the first transfer touches fifty users."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import accounts, transfers
from domain.ledger.tables import AccountKind, Payment, PaymentKind, TransferKind
from domain.ledger.transfers import NewTransfer


async def a_crowd_of_money(session: AsyncSession, users: Sequence[UUID], at: datetime) -> UUID:
    """Everything; gives the account with many entries that belongs to no user."""
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    wallets = (await accounts.hold(session, users)).wallets
    everybody = {wallets[user_id].available_id: 1 for user_id in users}
    first = wallets[users[0]].available_id
    amounts = [{external_id: -len(users), **everybody}] + [{external_id: -1, first: 1}] * len(users)
    made = [NewTransfer(TransferKind.DEPOSIT, str(number), each) for number, each in enumerate(amounts)]
    await transfers.post(session, made, actor="test", now=at)
    terms = {"kind": PaymentKind.DEPOSIT, "amount_ueur": 10_000, "requested_at": at, "asked_at": at}
    session.add_all(Payment(owner_id=users[0], **terms) for _ in users)
    await session.flush()
    return external_id
