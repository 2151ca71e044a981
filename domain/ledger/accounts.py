"""Accounts: found by holder, and locked all at once."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from domain.kernel.database import among
from domain.kernel.sql import Statement, Transaction
from domain.ledger.tables import Account, AccountKind

USER_KINDS = (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.RECEIVABLE)


AccountIds: TypeAlias = Mapping[UUID, Mapping[AccountKind, UUID]]  # Of users, markets and communities.


@dataclass(frozen=True, slots=True)
class Wallet:
    """A user's accounts, and their balances in micro-EUR as they were read."""

    available_id: UUID
    held_id: UUID
    receivable_id: UUID
    available_ueur: int
    held_ueur: int
    receivable_ueur: int


@dataclass(frozen=True, slots=True)
class Balances:
    """What a user has and owes, micro-EUR."""

    available_ueur: int
    held_ueur: int
    receivable_ueur: int


class HeldAccount(NamedTuple):
    """An account that is locked, of a user or of a market or community."""

    id: UUID
    kind: str
    owner_id: UUID | None
    scope_id: UUID | None
    balance_ueur: int


class Belonging(NamedTuple):
    """An account, and the user, market or community that it is of."""

    id: UUID
    kind: str
    belongs_to: UUID


HOLD = Statement("""
    SELECT id, kind, owner_id, scope_id, balance_ueur FROM account
    WHERE owner_id = ANY(CAST(:owner_ids AS uuid[])) OR scope_id = ANY(CAST(:scope_ids AS uuid[]))
    ORDER BY id FOR NO KEY UPDATE
""").into(HeldAccount)


IDS = Statement("""
    SELECT id, kind, coalesce(owner_id, scope_id) AS belongs_to FROM account
    WHERE owner_id = ANY(CAST(:owner_ids AS uuid[])) OR scope_id = ANY(CAST(:scope_ids AS uuid[]))
""").into(Belonging)


@dataclass(frozen=True, slots=True)
class Held:
    """Locked accounts of users and of markets or communities."""

    wallets: Mapping[UUID, Wallet]
    of_scope: Mapping[tuple[UUID, AccountKind], UUID]


async def hold(transaction: Transaction, owner_ids: Collection[UUID], scope_ids: Collection[UUID] = ()) -> Held:
    """Lock all accounts of users, markets and communities until commit, in the order of their ids."""
    rows = await HOLD.rows(transaction, {"owner_ids": sorted(owner_ids), "scope_ids": sorted(scope_ids)})
    of_owner: dict[UUID, dict[str, tuple[UUID, int]]] = {}
    of_scope: dict[tuple[UUID, AccountKind], UUID] = {}
    for row in rows:
        if row.owner_id is not None:
            of_owner.setdefault(row.owner_id, {})[row.kind] = row.id, row.balance_ueur
        elif row.scope_id is not None:
            of_scope[row.scope_id, AccountKind(row.kind)] = row.id
    return Held({owner: _wallet(found) for owner, found in of_owner.items()}, of_scope)


def _wallet(found: Mapping[str, tuple[UUID, int]]) -> Wallet:
    (available_id, available), (held_id, held), (receivable_id, receivable) = (found[kind] for kind in USER_KINDS)
    return Wallet(available_id, held_id, receivable_id, available, held, receivable)


async def ids(transaction: Transaction, owner_ids: Collection[UUID], scope_ids: Collection[UUID]) -> AccountIds:
    """Accounts of users, markets and communities. They come with their holders, and never change."""
    rows = await IDS.rows(transaction, {"owner_ids": sorted(owner_ids), "scope_ids": sorted(scope_ids)})
    found: dict[UUID, dict[AccountKind, UUID]] = {}
    for row in rows:
        found.setdefault(row.belongs_to, {})[AccountKind(row.kind)] = row.id
    return found


async def platform(session: AsyncSession, kind: AccountKind) -> UUID:
    """The platform's own account of a kind: EXTERNAL or PAYOUT."""
    query = select(Account.id).where(Account.kind == kind, Account.owner_id.is_(None), Account.scope_id.is_(None))
    return (await session.execute(query)).scalar_one()


async def balances(connection: AsyncConnection, owner_ids: Collection[UUID]) -> dict[UUID, Balances]:
    """What each of some users has and owes now."""
    query = select(Account.owner_id, Account.kind, Account.balance_ueur).where(among(Account.owner_id, owner_ids))
    found: dict[UUID | None, dict[AccountKind, int]] = {}
    for owner_id, kind, balance_ueur in await connection.execute(query):
        found.setdefault(owner_id, {})[kind] = balance_ueur
    return {owner_id: Balances(*(found[owner_id][kind] for kind in USER_KINDS)) for owner_id in owner_ids}
