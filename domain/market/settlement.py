"""Settlement: what was delivered of a trade is paid out of its escrow; corrections move the difference.

    buyer gets back: its escrow - what its lines cost; seller gets: its escrow - what its lines cost (negative: a gain)
    fees, network charges and fund go to the accounts of the market, or community, whose terms ask for them; VAT to tax;
    what the buyer pays for energy beyond what the seller gets (another zone's price) pays for the transfer: GRID

An escrow is the most that a trade may cost its side, so it covers everything; of penalties and parts, each rounded, it
may be short by a few micro-EUR, which the buyer's market bears (ROUNDING). A trade without escrow moves no money.

A version is the whole of what a trade comes to, and the transfer that brings it posts what is new of it: version 1
resolves the pending escrow (voids it where it returns as it came), later ones are corrections. What a user is to pay
back and has not available becomes debt (RECEIVABLE), and what it is paid later by a correction lowers its debt first.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain import statements
from domain.audit import entries
from domain.audit.entries import Act
from domain.events import notices
from domain.events.notices import NewNotice, NoticeKind
from domain.ledger import accounts, transfers
from domain.ledger.accounts import Held
from domain.ledger.tables import AccountKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from domain.market import charges, delivery
from domain.market.charges import Charge, Line, LineKind, MoneyTerms
from domain.market.delivery import Hour
from domain.market.tables import OrderSide
from domain.statements import Part, Statement

TOGETHER_MAX = 2_000  # Trades of one transaction.
ROUNDED_AMOUNTS = 20  # A trade has at most so many lines of both sides, each rounded by half a micro-EUR.
Key = tuple[UUID, AccountKind]  # Of a user (AVAILABLE), a market or a community.
ACCOUNT_OF = {
    LineKind.FEE: AccountKind.FEE,
    LineKind.NETWORK: AccountKind.GRID,
    LineKind.ENERGY: AccountKind.GRID,
    LineKind.COMMUNITY_FUND: AccountKind.COMMUNITY_FUND,
}


class Delivered(NamedTuple):
    """What was delivered of a trade, and what each side was short of; together the energy of the trade, micro-kWh."""

    delivered_ukwh: int
    seller_short_ukwh: int
    buyer_short_ukwh: int
    is_provisional: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """A new version of a trade's delivery: its lines, and where each micro-EUR of its escrow goes by it."""

    trade: Any
    version: int
    delivered: Delivered
    lines: tuple[Line, ...]
    amounts_ueur: Mapping[Key, int]
    buyer_paid_ueur: int  # Gross; negative where it is paid.
    seller_received_ueur: int  # Negative where it pays.


@dataclass(frozen=True, slots=True)
class _InForce(MoneyTerms):
    """Terms with those charges alone that hold for a delivery."""

    def at(self, delivery_start: datetime) -> tuple[Charge, ...]:
        """All of its charges."""
        return self.charges


def settle(hour: Hour, delivered: Sequence[Delivered | None]) -> Iterator[Settled]:
    """New versions of the trades that came out otherwise than they were settled; None waits, and stays as it is."""
    terms = _Terms(hour)
    for trade, now in zip(hour.trades, delivered, strict=True):
        if now is not None and _as_settled(trade) != now:
            of_buyer = terms.in_force(trade.market_id, trade.delivery_start)
            of_seller = terms.in_force(trade.seller_market_id, trade.delivery_start)
            lines = lines_of(trade, now, of_buyer, of_seller)
            yield Settled(trade, trade.version + 1, now, lines, amounts_ueur(trade, lines), *_totals(lines))


class _Terms:
    """Terms of an hour's markets by delivery."""

    def __init__(self, hour: Hour) -> None:
        self._terms = hour.terms
        self._found: dict[tuple[UUID, datetime], MoneyTerms] = {}

    def in_force(self, market_id: UUID, delivery_start: datetime) -> MoneyTerms:
        """The terms of a market for a delivery."""
        found = self._found.get((market_id, delivery_start))
        if found is None:
            terms = self._terms[market_id]
            found = _InForce(terms.penalty_ueur_per_kwh, terms.energy_vat_ppm, terms.at(delivery_start))
            self._found[market_id, delivery_start] = found
        return found


def _as_settled(trade: Any) -> Delivered | None:
    if not trade.version:
        return None
    return Delivered(trade.delivered_ukwh, trade.seller_short_ukwh, trade.buyer_short_ukwh, trade.is_provisional)


def lines_of(trade: Any, now: Delivered, of_buyer: MoneyTerms, of_seller: MoneyTerms) -> tuple[Line, ...]:
    """What both sides pay: energy and charges for what was delivered, and penalties by the terms of who was short."""
    if not trade.buyer_escrow_ueur + trade.seller_escrow_ueur:
        return ()
    start, made = trade.delivery_start, list[Line]()
    if now.delivered_ukwh:
        energy = now.delivered_ukwh
        made += charges.lines(OrderSide.BUY, energy, trade.price_ueur_per_kwh, of_buyer, start)
        made += charges.lines(OrderSide.SELL, energy, trade.seller_price_ueur_per_kwh, of_seller, start)
    if now.seller_short_ukwh:
        made += charges.penalty_lines(OrderSide.SELL, now.seller_short_ukwh, of_seller)
    if now.buyer_short_ukwh:
        made += charges.penalty_lines(OrderSide.BUY, now.buyer_short_ukwh, of_buyer)
    return tuple(made)


def _totals(lines: Iterable[Line]) -> tuple[int, int]:
    """What the buyer pays and what the seller receives, gross."""
    paid = received = 0
    for line in lines:
        if line.side is OrderSide.BUY:
            paid += line.net_ueur + line.vat_ueur
        else:
            received -= line.net_ueur + line.vat_ueur
    return paid, received


def amounts_ueur(trade: Any, lines: Iterable[Line]) -> dict[Key, int]:
    """Where a trade's escrow goes by its lines: amounts by account, which add up to zero with the escrow's own."""
    escrow = trade.buyer_escrow_ueur + trade.seller_escrow_ueur
    if not escrow:
        return {}
    market_of = {OrderSide.BUY: trade.market_id, OrderSide.SELL: trade.seller_market_id}
    left = {OrderSide.BUY: trade.buyer_escrow_ueur, OrderSide.SELL: trade.seller_escrow_ueur}
    amounts: dict[Key, int] = defaultdict(int)
    amounts[trade.market_id, AccountKind.ESCROW] = -escrow
    for line in lines:
        left[line.side] -= line.gross_ueur
        if line.vat_ueur:
            amounts[market_of[line.side], AccountKind.TAX] += line.vat_ueur
        if line.kind is LineKind.ENERGY:
            amounts[trade.market_id, AccountKind.GRID] += line.net_ueur
        elif line.kind is not LineKind.PENALTY:
            amounts[line.community_id or market_of[line.side], ACCOUNT_OF[line.kind]] += line.net_ueur
    for side, user_id in ((OrderSide.BUY, trade.buyer_id), (OrderSide.SELL, trade.seller_id)):
        beyond = min(0, left[side])
        assert beyond >= -ROUNDED_AMOUNTS, f"trade {trade.id} costs {-beyond} micro-EUR beyond its escrow"
        amounts[user_id, AccountKind.AVAILABLE] += left[side] - beyond
        if beyond:
            amounts[trade.market_id, AccountKind.ROUNDING] += beyond
    return amounts


@dataclass(frozen=True, slots=True)
class Together:
    """Versions that are recorded in one transaction, with all that can be made ready before it begins."""

    settled: tuple[Settled, ...]
    columns: Mapping[str, Any]
    acts: tuple[Act, ...]


def together(settled: Sequence[Settled], actor: str) -> Together:
    """Make versions ready to be recorded."""
    return Together(tuple(settled), _columns(settled), tuple(_acts(settled, actor)))


async def record(session: AsyncSession, hour: Hour, ready: Together, *, actor: str, now: datetime) -> int:
    """Store new versions and post what they move; gives how many: another worker may have been faster."""
    await delivery.lock(session, hour.starts_at)
    settled = await _not_yet(session, ready.settled)
    if not settled:
        return 0
    if len(settled) < len(ready.settled):
        ready = together(settled, actor)
    held = await accounts.hold(session, *_holders(hour, settled))
    before = await _amounts_before(session, settled)
    available = {user_id: wallet.available_ueur for user_id, wallet in held.wallets.items()}
    owed = {user_id: wallet.receivable_ueur for user_id, wallet in held.wallets.items()}
    moved = [
        _correction(each, before[each.trade.id], held, available, owed)
        if each.version > 1
        else _settlement(each, held, available)
        for each in settled
    ]
    stored = [transfer for transfer in moved if transfer is not None and not transfer.is_empty]
    parts = [transfers.posting(stored, actor=actor, now=now)] if stored else []
    paid_by = [None if each is None or each.is_empty else each.id for each in moved]
    values = {**ready.columns, "delivery_at": now, "delivery_transfers": paid_by}
    await statements.write(session, *parts, Part(STORED, values, "true AS is_settled"))
    await HAS_NEWS.rows(session, {"starts_at": hour.starts_at})
    await entries.record_many(session, ready.acts)
    return len(settled)


def _holders(hour: Hour, settled: Sequence[Settled]) -> tuple[set[UUID], set[UUID]]:
    """Users, and the markets and communities whose accounts may be touched."""
    users = {party for each in settled for party in (each.trade.buyer_id, each.trade.seller_id)}
    markets = {market for each in settled for market in (each.trade.market_id, each.trade.seller_market_id)}
    charged = [charge.community_id for market_id in markets for charge in hour.terms[market_id].charges]
    return users, markets | {community_id for community_id in charged if community_id}


async def _not_yet(session: AsyncSession, settled: Sequence[Settled]) -> Sequence[Settled]:
    rows = await VERSIONS.rows(session, {"ids": [each.trade.id for each in settled]})
    version = {row.trade_id: row.version for row in rows}
    return [each for each in settled if each.version == version.get(each.trade.id, 0) + 1]


def _settlement(settled: Settled, held: Held, available: dict[UUID, int]) -> NewTransfer | None:
    """Resolves the escrow of a trade."""
    if not settled.amounts_ueur:
        return None
    trade = settled.trade
    assert trade.escrow_id is not None, f"trade {trade.id} has no escrow"
    for user_id in (trade.buyer_id, trade.seller_id):
        available[user_id] += settled.amounts_ueur.get((user_id, AccountKind.AVAILABLE), 0)
    return NewTransfer(
        TransferKind.SETTLEMENT,
        f"trade:{trade.id}:1",
        _by_account(settled.amounts_ueur, held),
        ("Trade", trade.id),
        TransferPhase.POSTED if settled.lines else TransferPhase.VOIDING,
        trade.escrow_id,
    )


def _correction(
    settled: Settled, before: Mapping[Key, int], held: Held, available: dict[UUID, int], owed: dict[UUID, int]
) -> NewTransfer:
    """Moves what a version comes to otherwise than the one before; `available` and `owed` are kept up."""
    trade = settled.trade
    keys = {*settled.amounts_ueur, *before}
    change = {key: settled.amounts_ueur.get(key, 0) - before.get(key, 0) for key in keys}
    amounts = _by_account({key: amount for key, amount in change.items() if key[1] is not AccountKind.AVAILABLE}, held)
    for user_id in (trade.buyer_id, trade.seller_id):
        amount, wallet = change.get((user_id, AccountKind.AVAILABLE), 0), held.wallets[user_id]
        debt = min(amount, -owed[user_id]) if amount > 0 else min(0, available[user_id] + amount)
        amounts[wallet.receivable_id], amounts[wallet.available_id] = debt, amount - debt
        owed[user_id] += debt
        available[user_id] += amount - debt
    return NewTransfer(TransferKind.CORRECTION, f"trade:{trade.id}:{settled.version}", amounts, ("Trade", trade.id))


def _by_account(amounts: Mapping[Key, int], held: Held) -> dict[UUID, int]:
    return {
        held.wallets[holder].available_id if kind is AccountKind.AVAILABLE else held.of_scope[holder, kind]: amount
        for (holder, kind), amount in amounts.items()
        if amount
    }


async def _amounts_before(session: AsyncSession, settled: Sequence[Settled]) -> dict[UUID, dict[Key, int]]:
    """By trade that is corrected: where its escrow went by the lines of its last version."""
    corrected = [each for each in settled if each.version > 1]
    if not corrected:
        return {}
    rows = await LINES.rows(
        session,
        {"ids": [each.trade.id for each in corrected], "versions": [each.version - 1 for each in corrected]},
    )
    lines = {trade_id: [_line(row) for row in found] for trade_id, found in groupby(rows, key=lambda row: row.trade_id)}
    return {each.trade.id: amounts_ueur(each.trade, lines.get(each.trade.id, [])) for each in corrected}


def _line(row: Any) -> Line:
    return Line(
        LineKind(row.kind),
        OrderSide(row.side),
        row.rate_ueur_per_kwh,
        row.energy_ukwh,
        row.net_ueur,
        row.vat_ppm,
        row.vat_ueur,
        row.community_id,
    )


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
        "corrections": sum(each.version > 1 for each in settled),
        "delivered_ukwh": sum(each.delivered.delivered_ukwh for each in settled),
        "short_ukwh": sum(each.delivered.seller_short_ukwh + each.delivered.buyer_short_ukwh for each in settled),
        "paid_ueur": sum(each.buyer_paid_ueur for each in settled),
        "digest": digest(settled),
    }


def digest(settled: Iterable[Settled]) -> str:
    """SHA-256 of what was settled, in the order of the trades' ids."""
    said = hashlib.sha256()
    for each in sorted(settled, key=lambda each: each.trade.id):
        now = each.delivered
        facts = (each.version, now.delivered_ukwh, now.seller_short_ukwh, now.buyer_short_ukwh)
        money = (each.buyer_paid_ueur, each.seller_received_ueur)
        said.update(f"{each.trade.id} {facts} {money}\n".encode())
    return said.hexdigest()


def _columns(settled: Sequence[Settled]) -> dict[str, Any]:
    """Versions and their lines as STORED takes them, without what moved them."""
    lines = [
        (each.trade.id, each.version, number, line) for each in settled for number, line in enumerate(each.lines, 1)
    ]
    return {
        "delivery_ids": [delivery.delivery_id() for _ in settled],
        "delivery_trades": [each.trade.id for each in settled],
        "delivery_versions": [each.version for each in settled],
        "delivery_energy": [each.delivered.delivered_ukwh for each in settled],
        "delivery_seller_short": [each.delivered.seller_short_ukwh for each in settled],
        "delivery_buyer_short": [each.delivered.buyer_short_ukwh for each in settled],
        "delivery_paid": [each.buyer_paid_ueur for each in settled],
        "delivery_received": [each.seller_received_ueur for each in settled],
        "delivery_provisional": [each.delivered.is_provisional for each in settled],
        "delivery_line_trades": [trade_id for trade_id, _, _, _ in lines],
        "delivery_line_versions": [version for _, version, _, _ in lines],
        "delivery_line_numbers": [number for _, _, number, _ in lines],
        "delivery_line_sides": [line.side.value for _, _, _, line in lines],
        "delivery_line_kinds": [line.kind.value for _, _, _, line in lines],
        "delivery_line_rates": [line.rate_ueur_per_kwh for _, _, _, line in lines],
        "delivery_line_energy": [line.energy_ukwh for _, _, _, line in lines],
        "delivery_line_net": [line.net_ueur for _, _, _, line in lines],
        "delivery_line_vat_ppm": [line.vat_ppm for _, _, _, line in lines],
        "delivery_line_vat": [line.vat_ueur for _, _, _, line in lines],
        "delivery_line_communities": [line.community_id for _, _, _, line in lines],
    }


async def untold(session: AsyncSession) -> list[datetime]:
    """Starts of the hours in which something was settled that the parties were not told of, in order."""
    return [row.starts_at for row in await UNTOLD.rows(session, {})]


async def tell(session: AsyncSession, *, now: datetime) -> int:
    """Tell each party of what was settled since it was last told, summed; gives how many were told."""
    rows = await NEWS.rows(session, {"now": now})
    facts = [
        NewNotice(
            row.user_id,
            NoticeKind.TRADE_SETTLED,
            {
                "trades": row.trades,
                "corrections": row.corrections,
                "delivery_start": row.first_delivery.isoformat(),
                "delivery_end": row.last_delivery.isoformat(),
                "delivered_ukwh": int(row.delivered_ukwh),
                "short_ukwh": int(row.short_ukwh),
                "amount_ueur": int(row.amount_ueur),
            },
        )
        for row in rows
    ]
    await notices.tell(session, facts)
    return len(facts)


VERSIONS = Statement("""
    SELECT trade_id, max(version) AS version FROM trade_delivery WHERE trade_id = ANY(CAST(:ids AS uuid[]))
    GROUP BY trade_id
""")
LINES = Statement("""
    SELECT delivery_line.* FROM delivery_line
    JOIN unnest(CAST(:ids AS uuid[]), CAST(:versions AS smallint[])) AS wanted (trade_id, version)
         USING (trade_id, version)
    ORDER BY trade_id, number
""")
HAS_NEWS = Statement("""
    UPDATE delivery_hour SET has_news = true WHERE starts_at = CAST(:starts_at AS timestamptz) RETURNING 1
""")
STORED = """
delivery_settled AS (
    INSERT INTO trade_delivery (id, trade_id, version, delivered_ukwh, seller_short_ukwh, buyer_short_ukwh,
                                buyer_paid_ueur, seller_received_ueur, is_provisional, transfer_id, settled_at)
    SELECT *, CAST(:delivery_at AS timestamptz)
    FROM unnest(CAST(:delivery_ids AS uuid[]), CAST(:delivery_trades AS uuid[]), CAST(:delivery_versions AS smallint[]),
                CAST(:delivery_energy AS bigint[]), CAST(:delivery_seller_short AS bigint[]),
                CAST(:delivery_buyer_short AS bigint[]), CAST(:delivery_paid AS bigint[]),
                CAST(:delivery_received AS bigint[]), CAST(:delivery_provisional AS boolean[]),
                CAST(:delivery_transfers AS uuid[]))),
delivery_lined AS (
    INSERT INTO delivery_line (trade_id, version, number, side, kind, rate_ueur_per_kwh, energy_ukwh, net_ueur,
                               vat_ppm, vat_ueur, community_id)
    SELECT * FROM unnest(
        CAST(:delivery_line_trades AS uuid[]), CAST(:delivery_line_versions AS smallint[]),
        CAST(:delivery_line_numbers AS smallint[]), CAST(:delivery_line_sides AS text[]),
        CAST(:delivery_line_kinds AS text[]), CAST(:delivery_line_rates AS bigint[]),
        CAST(:delivery_line_energy AS bigint[]), CAST(:delivery_line_net AS bigint[]),
        CAST(:delivery_line_vat_ppm AS int[]), CAST(:delivery_line_vat AS bigint[]),
        CAST(:delivery_line_communities AS uuid[])))"""
UNTOLD = Statement("SELECT starts_at FROM delivery_hour WHERE has_news ORDER BY starts_at")
# What is new since an hour was last told of: the newest versions, less what was told of the same trades before.
NEWS = Statement("""
    WITH told AS (
        UPDATE delivery_hour SET has_news = false, told_at = CAST(:now AS timestamptz)
        FROM (SELECT starts_at, told_at FROM delivery_hour WHERE has_news ORDER BY starts_at FOR UPDATE) AS before
        WHERE delivery_hour.starts_at = before.starts_at
        RETURNING before.starts_at, coalesce(before.told_at, '-infinity') AS told_at),
    news AS (
        SELECT trade.buyer_id, trade.seller_id, trade.delivery_start, trade.delivery_end, new.version,
               new.delivered_ukwh - coalesce(old.delivered_ukwh, 0) AS delivered_ukwh,
               new.seller_short_ukwh - coalesce(old.seller_short_ukwh, 0) AS seller_short_ukwh,
               new.buyer_short_ukwh - coalesce(old.buyer_short_ukwh, 0) AS buyer_short_ukwh,
               new.buyer_paid_ueur - coalesce(old.buyer_paid_ueur, 0) AS buyer_paid_ueur,
               new.seller_received_ueur - coalesce(old.seller_received_ueur, 0) AS seller_received_ueur
        FROM told JOIN trade ON trade.delivery_start >= told.starts_at
             AND trade.delivery_start < told.starts_at + interval '1 hour'
        JOIN trade_delivery AS new ON new.trade_id = trade.id AND new.settled_at > told.told_at
        LEFT JOIN trade_delivery AS old ON old.trade_id = new.trade_id AND old.version = new.version - 1)
    SELECT party.user_id, count(*) AS trades, count(*) FILTER (WHERE version > 1) AS corrections,
           min(delivery_start) AS first_delivery, max(delivery_end) AS last_delivery,
           sum(delivered_ukwh) AS delivered_ukwh, sum(party.short_ukwh) AS short_ukwh,
           sum(party.amount_ueur) AS amount_ueur
    FROM news CROSS JOIN LATERAL (VALUES (buyer_id, buyer_short_ukwh, -buyer_paid_ueur),
                                         (seller_id, seller_short_ukwh, seller_received_ueur))
         AS party (user_id, short_ukwh, amount_ueur)
    GROUP BY party.user_id ORDER BY party.user_id
""")
