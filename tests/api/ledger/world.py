"""Money of the world: who has what, under names that say whose it is.

A row of the ledger is named by its owners, "... of bob" or "... of bob, gus", so that what it moves through markets can
change without a new decision: who sees a person's money is decided once for each person.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.ledger import accounts, transfers
from domain.ledger.tables import (
    Account,
    AccountKind,
    Entry,
    Payment,
    PaymentKind,
    PaymentStatus,
    Transfer,
    TransferKind,
)
from domain.ledger.transfers import NewTransfer
from tests.api.authorization.world import World

PAYERS = ("ada", "bob", "gus")
AT = datetime(2026, 2, 1, tzinfo=UTC)


async def add_rows(session: AsyncSession, world: World) -> None:
    """Ada, Bob and Gus have paid in what they trade with."""
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    wallets = (await accounts.hold(session, [world.rows["User"][name] for name in PAYERS])).wallets
    for name in PAYERS:
        payment = Payment(
            owner_id=world.rows["User"][name],
            kind=PaymentKind.DEPOSIT,
            status=PaymentStatus.SUCCEEDED,
            amount_ueur=100_000_000,
            requested_at=AT,
            asked_at=AT,
            closed_at=AT,
        )
        session.add(payment)
        await session.flush()
        world.keep("Payment", f"{name}'s", payment)
        amounts = {external_id: -payment.amount_ueur, wallets[payment.owner_id].available_id: payment.amount_ueur}
        made = NewTransfer(TransferKind.DEPOSIT, f"payment:{payment.id}", amounts, ("Payment", payment.id))
        await transfers.post(session, [made], actor="test", now=AT)


async def name_rows(session: AsyncSession, world: World) -> None:
    """Name every wallet, account, transfer and entry by whose it is."""
    for name, user_id in world.rows["User"].items():
        world.keep("Wallet", name, user_id)
    owners = await _name_accounts(session, world)
    whose: dict[UUID, set[str]] = {}
    entries = (await session.execute(select(Entry.id, Entry.transfer_id, Entry.account_id).order_by(Entry.id))).all()
    for _, transfer_id, account_id in entries:
        whose.setdefault(transfer_id, set()).add(owners[account_id])
    await _name_transfers(session, world, whose)
    for id, transfer_id, account_id in entries:
        account = world.name_of("LedgerAccount", account_id)
        world.keep("LedgerEntry", f"{world.name_of('Transfer', transfer_id)} in {account}", id)


async def _name_accounts(session: AsyncSession, world: World) -> dict[UUID, str]:
    """Names accounts; gives their holders."""
    found = {}
    for id, kind, owner_id, scope_id in await session.execute(
        select(Account.id, Account.kind, Account.owner_id, Account.scope_id)
    ):
        entity, key = _holder(kind, owner_id, scope_id)
        found[id] = "the platform" if key is None else world.name_of(entity, key)
        world.keep("LedgerAccount", f"{kind} of {found[id]}", id)
    return found


def _holder(kind: AccountKind, owner_id: UUID | None, scope_id: UUID | None) -> tuple[str, UUID | None]:
    if owner_id is not None:
        return "User", owner_id
    return "Community" if kind is AccountKind.COMMUNITY_FUND else "Market", scope_id


async def _name_transfers(session: AsyncSession, world: World, whose: Mapping[UUID, set[str]]) -> None:
    persons, seen = world.rows["User"], Counter[str]()
    columns = Transfer.id, Transfer.kind, Transfer.subject_type, Transfer.subject_id
    for id, kind, subject_type, subject_id in await session.execute(select(*columns).order_by(Transfer.id)):
        subject = ""
        if subject_type is not None and subject_id is not None:
            subject = f" about {subject_type} {world.name_of(subject_type, subject_id)}"
        owners = ", ".join(sorted(whose[id] & persons.keys()))
        seen[name := f"{subject} of {owners}"] += 1
        world.keep("Transfer", f"{kind} {seen[name]}{name}", id)
