"""Transfers: stored with their entries in one statement; the database carries them into balances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.kernel import sql
from domain.kernel.database import new_id, new_ids
from domain.kernel.errors import DomainError
from domain.kernel.sql import Part, Statement, Transaction
from domain.ledger.tables import TransferKind, TransferPhase


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
    entries = [
        (transfer.id, account_id, amount)
        for transfer in transfers
        for account_id, amount in transfer.amounts_ueur.items()
        if amount
    ]
    values: dict[str, Any] = {
        "ledger_actor": actor,
        "ledger_made_at": now,
        "ledger_ids": [transfer.id for transfer in transfers],
        "ledger_kinds": [transfer.kind.value for transfer in transfers],
        "ledger_phases": [transfer.phase.value for transfer in transfers],
        "ledger_references": [transfer.reference for transfer in transfers],
        "ledger_resolves": [transfer.resolves_id for transfer in transfers],
        "ledger_subject_types": [transfer.subject and transfer.subject[0] for transfer in transfers],
        "ledger_subject_ids": [transfer.subject and transfer.subject[1] for transfer in transfers],
        "ledger_entry_ids": new_ids(len(entries)),
        "ledger_entry_transfers": [transfer_id for transfer_id, _, _ in entries],
        "ledger_entry_accounts": [account_id for _, account_id, _ in entries],
        "ledger_entry_amounts": [amount for _, _, amount in entries],
    }
    return Part(POSTED, values, "true AS is_posted")


POSTED = """
ledger_transferred AS (
    INSERT INTO transfer (id, kind, phase, reference, resolves_id, subject_type, subject_id, actor, made_at)
    SELECT id, kind, phase, reference, resolves_id, subject_type, subject_id, CAST(:ledger_actor AS text),
           CAST(:ledger_made_at AS timestamptz)
    FROM unnest(CAST(:ledger_ids AS uuid[]), CAST(:ledger_kinds AS text[]), CAST(:ledger_phases AS text[]),
                CAST(:ledger_references AS text[]), CAST(:ledger_resolves AS uuid[]),
                CAST(:ledger_subject_types AS text[]), CAST(:ledger_subject_ids AS uuid[]))
         AS made (id, kind, phase, reference, resolves_id, subject_type, subject_id)),
ledger_entered AS (
    INSERT INTO ledger_entry (id, transfer_id, account_id, holder_id, amount_ueur)
    SELECT entry.id, transfer_id, account_id, holder_id, amount_ueur
    FROM unnest(CAST(:ledger_entry_ids AS uuid[]), CAST(:ledger_entry_transfers AS uuid[]),
                CAST(:ledger_entry_accounts AS uuid[]), CAST(:ledger_entry_amounts AS bigint[]))
         AS entry (id, transfer_id, account_id, amount_ueur)
    LEFT JOIN account ON account.id = account_id)"""

USED = Statement("""
    SELECT id, reference FROM transfer
    WHERE kind = CAST(:kind AS text) AND reference = ANY(CAST(:references AS text[]))
""")
