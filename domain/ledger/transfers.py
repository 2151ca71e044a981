"""Transfers: stored with their entries in one statement; the database carries them into balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from domain.kernel import sql
from domain.kernel.database import new_id, new_ids
from domain.kernel.errors import DomainError
from domain.kernel.sql import Part, Statement, Transaction
from domain.kernel.writing import Insertion, Rows
from domain.ledger.tables import Entry, Transfer, TransferKind, TransferPhase


class InsufficientFunds(DomainError):
    """A user has less available than an act needs."""

    def __init__(self, required_ueur: int, available_ueur: int) -> None:
        super().__init__("The available balance does not cover this.")
        self.required_ueur = required_ueur
        self.available_ueur = available_ueur


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """Amounts by account that add up to zero; accounts whose amount is zero are left out when it is stored.

    `reference` names the act within its kind, and is used once. `resolves_id` is the pending transfer that this one
    posts, or voids where its phase is VOIDING.
    """

    kind: TransferKind
    reference: str
    amounts_ueur: Mapping[UUID, int]
    subject: tuple[str, UUID] | None = None
    phase: TransferPhase = TransferPhase.POSTED
    resolves_id: UUID | None = None
    id: UUID = field(default_factory=new_id)

    def __post_init__(self) -> None:
        assert sum(self.amounts_ueur.values()) == 0, f"{self.kind} {self.reference} does not add up to zero"

    @property
    def is_empty(self) -> bool:
        """Whether nothing would move."""
        return not any(self.amounts_ueur.values())


class TransferRow(NamedTuple):
    """A transfer as it is stored, without who made it and when."""

    id: UUID
    kind: TransferKind
    phase: TransferPhase
    reference: str
    resolves_id: UUID | None
    subject_type: str | None
    subject_id: UUID | None


class EntryRow(NamedTuple):
    """An entry as it is stored; its holder is looked up."""

    id: UUID
    transfer_id: UUID
    account_id: UUID
    amount_ueur: int


class Used(NamedTuple):
    """A reference that was used, and the transfer that did."""

    id: UUID
    reference: str


async def post(transaction: Transaction, transfers: Sequence[NewTransfer], *, actor: str, now: datetime) -> None:
    """Store transfers in the caller's transaction, which holds their accounts.

    A reference that was used before breaks the transaction (a unique key), and so does an overdrawn account (a check):
    callers look before, under lock, at `used` references and at balances.
    """
    given = [transfer for transfer in transfers if not transfer.is_empty]
    if given:
        await sql.write(transaction, posting(given, actor=actor, now=now))


async def used(transaction: Transaction, kind: TransferKind, references: Sequence[str]) -> dict[str, UUID]:
    """Which of the references were used by transfers of a kind, with the ids of those."""
    rows = await USED.rows(transaction, {"kind": kind.value, "references": list(references)})
    return {row.reference: row.id for row in rows}


def posting(transfers: Sequence[NewTransfer], *, actor: str, now: datetime) -> Part:
    """Stores transfers and their entries; gives the part of the caller's next statement."""
    ids = iter(new_ids(sum(len(transfer.amounts_ueur) for transfer in transfers)))
    entries = [
        EntryRow(next(ids), transfer.id, account_id, amount)
        for transfer in transfers
        for account_id, amount in transfer.amounts_ueur.items()
        if amount
    ]
    made = TRANSFERRED.values([_row(transfer) for transfer in transfers], actor=actor, made_at=now)
    return Part(POSTED, made | ENTERED.values(entries), "true AS is_posted")


def _row(transfer: NewTransfer) -> TransferRow:
    subject_type, subject_id = transfer.subject or (None, None)
    return TransferRow(
        transfer.id,
        transfer.kind,
        transfer.phase,
        transfer.reference,
        transfer.resolves_id,
        subject_type,
        subject_id,
    )


TRANSFERRED = Insertion("ledger_transferred", TransferRow, Transfer, same=("actor", "made_at"))
ENTERED = Rows("ledger_entered", EntryRow, Entry)
POSTED = f"""{TRANSFERRED.query},
ledger_entry_made AS (
    INSERT INTO ledger_entry ({ENTERED.columns}, holder_id)
    SELECT {ENTERED.selected}, holder_id
    FROM {ENTERED.relation}
    LEFT JOIN account ON account.id = account_id)"""  # noqa: S608 - made of constants.

USED = Statement("""
    SELECT id, reference FROM transfer
    WHERE kind = CAST(:kind AS text) AND reference = ANY(CAST(:references AS text[]))
""").into(Used)
