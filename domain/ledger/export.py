"""The whole ledger as text that two runs of the same day have in common, byte for byte.

One line per transfer in the order in which they were made, with its kind, phase, reference, subject and entries:

    1 DEPOSIT POSTED payment:#1 Payment#1 | AVAILABLE ada@example.org 25 | EXTERNAL platform -25
    2 PAYOUT POSTED payment:#2 Payment#2 resolves 1 | EXTERNAL platform 5 | PAYOUT platform -5

then each balance that is not zero. Ids differ between runs, so they are numbered by their first appearance; so do
instants, and they are left out. Transfers of one instant are ordered by what they say. Amounts are EUR.

`unordered` is for runs whose workers interleave: ids become `#`, transfers are not numbered, and lines are sorted.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from tempfile import TemporaryFile
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.kernel.quantities import format_micro
from domain.ledger.tables import Account

ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLATFORM = "platform"
SORTED_AT_ONCE = 100_000  # Lines, some 20 MB.


class Made(NamedTuple):
    """A transfer and its entries."""

    id: UUID
    kind: str
    phase: str
    reference: str
    subject_type: str | None
    subject_id: UUID | None
    resolves_id: UUID | None
    made_at: datetime
    account_ids: list[UUID]
    amounts_ueur: list[int]


MADE = text("""
    SELECT transfer.id, kind, phase, reference, subject_type, subject_id, resolves_id, made_at,
           array_agg(entry.account_id) AS account_ids, array_agg(entry.amount_ueur) AS amounts_ueur
    FROM transfer JOIN ledger_entry AS entry ON entry.transfer_id = transfer.id
    GROUP BY transfer.id ORDER BY made_at, transfer.id
""")


@dataclass
class Numbers:
    """Numbers of things by their first appearance; where they are not wanted, nothing but that there is one."""

    is_wanted: bool
    known: dict[str, int] = field(default_factory=dict)

    def of(self, id: str) -> str:
        return f"#{self.known.setdefault(id, len(self.known) + 1)}" if self.is_wanted else "#"

    def in_text(self, written: str) -> str:
        """A text with its ids replaced."""
        return ID.sub(lambda found: self.of(found.group()), written)


async def lines(session: AsyncSession, scopes: Mapping[UUID, str], *, unordered: bool = False) -> AsyncIterator[str]:
    """The ledger's lines; `scopes` gives the names of markets and communities."""
    accounts = await _accounts(session, scopes)
    found = (Made(*row) async for row in await session.stream(MADE))
    if unordered:
        ids = Numbers(is_wanted=False)
        async for line in _sorted(_line(made, accounts, ids, "") async for made in found):
            yield line
    else:
        async for line in _numbered(found, accounts):
            yield line
    for line in await _balances(session, accounts):
        yield line


async def _numbered(found: AsyncIterator[Made], accounts: Mapping[UUID, str]) -> AsyncIterator[str]:
    ids, places = Numbers(is_wanted=True), dict[UUID, int]()
    async for together in _of_one_instant(found):
        for made in sorted(together, key=lambda made: _said(made, accounts)):
            places[made.id] = len(places) + 1
            resolved = f" {places[made.resolves_id]}" if made.resolves_id else ""
            yield f"{places[made.id]} {_line(made, accounts, ids, resolved)}"


async def _of_one_instant(found: AsyncIterator[Made]) -> AsyncIterator[list[Made]]:
    together: list[Made] = []
    async for made in found:
        if together and together[0].made_at != made.made_at:
            yield together
            together = []
        together.append(made)
    if together:
        yield together


async def _sorted(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    """Lines in order, of which only so many are in memory; the rest waits in files, sorted by themselves."""
    with ExitStack() as files:
        runs: list[Iterable[str]] = []
        held: list[str] = []
        async for line in lines:
            held.append(f"{line}\n")
            if len(held) == SORTED_AT_ONCE:
                run = files.enter_context(TemporaryFile("w+", encoding="utf-8"))
                run.writelines(sorted(held))
                run.seek(0)
                runs.append(run)
                held = []
        for line in merge(*runs, sorted(held)):
            yield line.rstrip("\n")


def _said(made: Made, accounts: Mapping[UUID, str]) -> tuple[bool, str, UUID]:
    """What orders the transfers of one instant: what resolves another comes after it."""
    return made.resolves_id is not None, _line(made, accounts, Numbers(is_wanted=False), ""), made.id


def _line(made: Made, accounts: Mapping[UUID, str], ids: Numbers, resolved: str) -> str:
    words = [made.kind, made.phase, ids.in_text(made.reference)]
    if made.subject_type:
        words.append(f"{made.subject_type}{ids.of(str(made.subject_id))}")
    if made.resolves_id:
        words.append(f"resolves{resolved}")
    amounts = zip(made.account_ids, made.amounts_ueur, strict=True)
    entries = sorted(f"{accounts[account_id]} {format_micro(amount)}" for account_id, amount in amounts)
    return " | ".join([" ".join(words), *entries])


async def _accounts(session: AsyncSession, scopes: Mapping[UUID, str]) -> dict[UUID, str]:
    """Names of accounts: their kind and holder."""
    query = select(Account.id, Account.kind, Account.scope_id, User.email).outerjoin(User, User.id == Account.owner_id)
    return {
        id: f"{kind.value} {email or (PLATFORM if scope_id is None else scopes[scope_id])}"
        for id, kind, scope_id, email in await session.execute(query)
    }


async def _balances(session: AsyncSession, accounts: Mapping[UUID, str]) -> list[str]:
    query = select(Account.id, Account.balance_ueur).where(Account.balance_ueur != 0)
    return sorted(f"balance {accounts[id]} {format_micro(ueur)}" for id, ueur in await session.execute(query))
