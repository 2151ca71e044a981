"""Money for tests."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import domain.kernel.tables  # noqa: F401 (foreign keys lead from one context's tables to another's)
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.quantities import parse_micro
from domain.ledger import accounts, payments, transfers
from domain.ledger.accounts import Wallet
from domain.ledger.answers import Answer, PaymentOutcome
from domain.ledger.tables import AccountKind, PaymentKind, TransferKind
from domain.ledger.transfers import NewTransfer
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


async def a_debt(session: AsyncSession, owner_id: UUID, eur: str = "10") -> None:
    """Money that a user owes the platform."""
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    wallet = await the_wallet(session, owner_id)
    amounts = {wallet.receivable_id: -parse_micro(eur), external_id: parse_micro(eur)}
    transfer = NewTransfer(TransferKind.CORRECTION, f"test:{new_id()}", amounts)
    await transfers.post(session, [transfer], actor="test", now=now())


async def a_payment(
    session: AsyncSession, owner: Viewer, kind: PaymentKind = PaymentKind.DEPOSIT, eur: str = "25", **given: Any
) -> UUID:
    """A payment that was asked for."""
    at = given.get("at") or now()
    key = given.get("key") or str(new_id())
    return await payments.request(session, owner, key, kind, parse_micro(eur), now=at)


async def a_submitted_payment(session: AsyncSession, owner: Viewer, *facts: Any) -> UUID:
    """A payment that the provider was asked for."""
    payment_id = await a_payment(session, owner, *facts)
    await payments.submit(session, payment_id, now=now())
    await session.flush()
    return payment_id


def an_answer(payment_id: UUID, eur: str = "25", **overrides: Any) -> Answer:
    """The provider did it."""
    facts: dict[str, Any] = {
        "event_id": str(new_id()),
        "outcome": PaymentOutcome.SUCCEEDED,
        "amount_ueur": parse_micro(eur),
        "reason": None,
        "body_digest": b"body",
        "provider": "test",
    } | overrides
    return Answer(payment_id=payment_id, **facts)
