"""Settling: versions of deliveries are stored, and what is new of their money moves, many trades at once.

The transfer that brings version 1 resolves the pending escrow (voids it where it returns as it came), later ones are
corrections. What a user is to pay back and has not available becomes debt (RECEIVABLE), and what it is paid later by a
correction lowers its debt first. So only corrections look at balances, under lock; what settles a trade for the first
time is all made ready before its transaction begins, while another one is carried out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.kernel import sql
from domain.kernel.database import new_ids
from domain.kernel.sql import Part, Statement
from domain.kernel.writing import Insertion
from domain.ledger import accounts, transfers
from domain.ledger.accounts import Held
from domain.ledger.tables import TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from domain.market.delivery import hours
from domain.market.delivery.hours import Hour
from domain.market.delivery.settlement import Settled, amounts_ueur, digest
from domain.market.delivery.tables import DeliveryLine, TradeDelivery
from domain.market.places.charges import Line, LineKind
from domain.market.places.tables import OrderSide

TOGETHER_MAX = 2_000  # Trades of one transaction.


class VersionRow(NamedTuple):
    """A version of a trade's delivery as it is stored, without when it was settled."""

    id: UUID
    trade_id: UUID
    version: int
    delivered_ukwh: int
    seller_short_ukwh: int
    buyer_short_ukwh: int
    buyer_paid_ueur: int
    seller_received_ueur: int
    is_provisional: bool
    transfer_id: UUID | None


class LineRow(NamedTuple):
    """Where a line of a version stands, and the fields of `Line` in their order; `kind` and `side` are read as text."""

    trade_id: UUID
    version: int
    number: int
    kind: str
    side: str
    rate_ueur_per_kwh: int
    energy_ukwh: int
    net_ueur: int
    vat_ppm: int
    vat_ueur: int
    community_id: UUID | None


class Newest(NamedTuple):
    """The last version of a trade that was settled."""

    trade_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Ready:
    """Versions that are recorded in one transaction: what writes them, and what the audit log says of them."""

    settled: tuple[Settled, ...]
    actor: str
    now: datetime
    parts: tuple[Part, ...]
    acts: tuple[Act, ...]


def ready(settled: Sequence[Settled], corrections: Mapping[UUID, NewTransfer], *, actor: str, now: datetime) -> Ready:
    """Make versions ready to be recorded; transfers of those that correct are given, by trade."""
    moved = [corrections.get(each.trade.id) if each.is_correction else _settlement(each) for each in settled]
    stored = [transfer for transfer in moved if transfer is not None and not transfer.is_empty]
    paid_by = [None if each is None or each.is_empty else each.id for each in moved]
    parts = [transfers.posting(stored, actor=actor, now=now)] if stored else []
    parts += [SETTLED.part(_versions(settled, paid_by), settled_at=now), LINED.part(_lines(settled))]
    return Ready(tuple(settled), actor, now, tuple(parts), tuple(_acts(settled, actor)))


async def hold(session: AsyncSession, hour: Hour, made: Ready) -> Ready:
    """Lock the hour until commit; gives what is still to be recorded: another worker may have been faster."""
    await hours.lock(session, hour.starts_at)
    settled = await _not_yet(session, made.settled)
    if len(settled) == len(made.settled) and not any(each.is_correction for each in settled):
        return made
    return ready(settled, await _corrections(session, hour, settled), actor=made.actor, now=made.now)


async def record(session: AsyncSession, hour: Hour, held: Ready) -> None:
    """Store new versions, and post what they move. First of all it sends the statement that writes them."""
    if held.settled:
        await sql.write(session, *held.parts)
        await HAS_NEWS.rows(session, {"starts_at": hour.starts_at})
        await entries.record_many(session, held.acts)


async def _not_yet(session: AsyncSession, settled: Sequence[Settled]) -> Sequence[Settled]:
    rows = await VERSIONS.rows(session, {"ids": [each.trade.id for each in settled]})
    version = {row.trade_id: row.version for row in rows}
    return [each for each in settled if each.version == version.get(each.trade.id, 0) + 1]


def _settlement(settled: Settled) -> NewTransfer | None:
    """Resolves the escrow of a trade."""
    if not settled.amounts_ueur:
        return None
    trade = settled.trade
    assert trade.escrow_id is not None, f"trade {trade.id} has no escrow"
    phase = TransferPhase.POSTED if settled.lines else TransferPhase.VOIDING
    subject = ("Trade", trade.id)
    return NewTransfer(
        TransferKind.SETTLEMENT, f"trade:{trade.id}:1", settled.amounts_ueur, subject, phase, trade.escrow_id
    )


async def _corrections(session: AsyncSession, hour: Hour, settled: Sequence[Settled]) -> dict[UUID, NewTransfer]:
    """By trade that was settled before: what moves the difference, by what its users have available."""
    corrected = [each for each in settled if each.is_correction]
    if not corrected:
        return {}
    users = {party for each in settled for party in (each.trade.buyer_id, each.trade.seller_id)}
    wallets = _Wallets(await accounts.hold(session, users))
    before = await _amounts_before(session, hour, corrected)
    made = {}
    for each in settled:
        if each.is_correction:
            made[each.trade.id] = _correction(each, before[each.trade.id], wallets)
        else:
            wallets.receive(each)
    return made


class _Wallets:
    """Wallets under lock: what is available and owed, kept up while corrections are made."""

    def __init__(self, held: Held) -> None:
        self._held = held.wallets
        self._available_ueur = {user_id: wallet.available_ueur for user_id, wallet in held.wallets.items()}
        self._owed_ueur = {user_id: wallet.receivable_ueur for user_id, wallet in held.wallets.items()}

    def available_id(self, user_id: UUID) -> UUID:
        """The account of what a user has available."""
        return self._held[user_id].available_id

    def receive(self, settled: Settled) -> None:
        """Count what a trade brings that is settled beside the corrections."""
        for user_id in (settled.trade.buyer_id, settled.trade.seller_id):
            self._available_ueur[user_id] += settled.amounts_ueur.get(self.available_id(user_id), 0)

    def split(self, user_id: UUID, amount_ueur: int) -> dict[UUID, int]:
        """What a user gets (positive) or pays back, by account: debt is paid off first, and made where money lacks."""
        wallet, available, owed = self._held[user_id], self._available_ueur[user_id], self._owed_ueur[user_id]
        debt = min(amount_ueur, -owed) if amount_ueur > 0 else min(0, available + amount_ueur)
        self._owed_ueur[user_id] += debt
        self._available_ueur[user_id] += amount_ueur - debt
        return {wallet.receivable_id: debt, wallet.available_id: amount_ueur - debt}


def _correction(settled: Settled, before: Mapping[UUID, int], wallets: _Wallets) -> NewTransfer:
    """Moves what a version comes to otherwise than the one before."""
    trade, now = settled.trade, settled.amounts_ueur
    amounts = {account_id: now.get(account_id, 0) - before.get(account_id, 0) for account_id in {*now, *before}}
    for user_id in (trade.buyer_id, trade.seller_id):
        amounts |= wallets.split(user_id, amounts.pop(wallets.available_id(user_id), 0))
    return NewTransfer(TransferKind.CORRECTION, f"trade:{trade.id}:{settled.version}", amounts, ("Trade", trade.id))


async def _amounts_before(
    session: AsyncSession, hour: Hour, corrected: Sequence[Settled]
) -> dict[UUID, dict[UUID, int]]:
    """By trade that is corrected: where its escrow went by the lines of its last version."""
    rows = await LINES.rows(
        session,
        {"ids": [each.trade.id for each in corrected], "versions": [each.version - 1 for each in corrected]},
    )
    lines = {trade_id: list(map(_line, found)) for trade_id, found in groupby(rows, key=lambda row: row.trade_id)}
    return {each.trade.id: amounts_ueur(each.trade, lines.get(each.trade.id, []), hour.accounts) for each in corrected}


def _line(row: LineRow) -> Line:
    return Line(LineKind(row.kind), OrderSide(row.side), *row[5:])


def _acts(settled: Sequence[Settled], actor: str) -> list[Act]:
    """An entry per market of a buyer: for each of its intervals how much was settled, and the digest of what."""
    acts = []
    by_market = sorted(settled, key=lambda each: (each.trade.market_id, each.trade.delivery_start))
    for market_id, of_market in groupby(by_market, key=lambda each: each.trade.market_id):
        intervals = [
            _interval(start, list(found))
            for start, found in groupby(of_market, key=lambda each: each.trade.delivery_start)
        ]
        acts.append(Act("delivery.settle", actor, ("Market", market_id), market_id, {"intervals": intervals}))
    return acts


def _interval(start: datetime, settled: Collection[Settled]) -> dict[str, Any]:
    return {
        "delivery_start": start.isoformat(),
        "trades": len(settled),
        "corrections": sum(each.is_correction for each in settled),
        "delivered_ukwh": sum(each.delivered.delivered_ukwh for each in settled),
        "short_ukwh": sum(each.delivered.seller_short_ukwh + each.delivered.buyer_short_ukwh for each in settled),
        "paid_ueur": sum(each.buyer_paid_ueur for each in settled),
        "digest": digest(settled),
    }


def _versions(settled: Sequence[Settled], paid_by: Sequence[UUID | None]) -> list[VersionRow]:
    """Rows of versions, each with the transfer that moved its money."""
    return [
        VersionRow(
            id=id,
            trade_id=each.trade.id,
            version=each.version,
            delivered_ukwh=each.delivered.delivered_ukwh,
            seller_short_ukwh=each.delivered.seller_short_ukwh,
            buyer_short_ukwh=each.delivered.buyer_short_ukwh,
            buyer_paid_ueur=each.buyer_paid_ueur,
            seller_received_ueur=each.seller_received_ueur,
            is_provisional=each.delivered.is_provisional,
            transfer_id=transfer_id,
        )
        for id, each, transfer_id in zip(new_ids(len(settled)), settled, paid_by, strict=True)
    ]


def _lines(settled: Sequence[Settled]) -> list[LineRow]:
    return [
        LineRow(each.trade.id, each.version, number, *line)
        for each in settled
        for number, line in enumerate(each.lines, 1)
    ]


SETTLED = Insertion("delivery_settled", VersionRow, TradeDelivery, same=("settled_at",))
LINED = Insertion("delivery_lined", LineRow, DeliveryLine)
VERSIONS = Statement("""
    SELECT trade_id, max(version) AS version FROM trade_delivery WHERE trade_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY trade_id
""").into(Newest)
LINES = Statement("""
    SELECT trade_id, version, number, kind, side, rate_ueur_per_kwh, energy_ukwh, net_ueur, vat_ppm, vat_ueur,
           community_id
    FROM delivery_line
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:versions AS smallint[])) AS wanted (trade_id, version)
         USING (trade_id, version)
    ORDER BY trade_id, number
""").into(LineRow)
HAS_NEWS = Statement("""
    UPDATE delivery_hour SET has_news = true WHERE starts_at = CAST(:starts_at AS timestamptz) RETURNING 1
""")
