"""Monthly statements: what a member's deliveries came to, by line, with VAT per rate, reconciled to the ledger.

A line sums up one market, side and kind: energy, exact net and VAT as the ledger moved them, and cents. Net is rounded
half-up to the cent; VAT is the rate on the rounded net, half-up too, so that a reader can check each line (the practice
of published community bills). What rounding adds to the ledger's sum is stated.

A month is stated once all its deliveries are settled. A document never changes: where deliveries came out otherwise
afterwards, what they come to now less all that was stated before is a credit note (also where it asks for more). What
is stated is cents, so cents are subtracted: however often a month is corrected, its documents add up to what the ledger
moved, rounded once a line. A correction that no cent tells of waits for the next one.

Months are local: of the first community that the user belongs to, or UTC.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.events import notices
from domain.events.notices import NewNotice
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError
from domain.kernel.intervals import Period, day_start
from domain.kernel.sql import Statement
from domain.kernel.writing import Insertion
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide
from domain.market.statements.lines import UEUR_PER_CENT, Line, LineKey, Stated, Sums
from domain.market.statements.tables import AccountStatement, StatementKind, StatementLine
from domain.market.statements.words import STATEMENT_READY


class MonthNotOver(DomainError):
    """The month has not ended everywhere yet."""

    def __init__(self, month: date) -> None:
        super().__init__(f"The month {month:%Y-%m} is not over.")
        self.month = month


class SumRow(NamedTuple):
    """What lines of one user, market, side and kind come to, and the cents that documents say of it."""

    user_id: UUID
    market_id: UUID
    side: str
    kind: str
    vat_ppm: int
    energy_ukwh: Decimal
    net_ueur: Decimal
    vat_ueur: Decimal
    net_cents: int
    vat_cents: int

    @property
    def line(self) -> LineKey:
        """The line that it is the sum of."""
        return LineKey(self.market_id, OrderSide(self.side), LineKind(self.kind), self.vat_ppm)

    @property
    def sums(self) -> Sums:
        """What it comes to."""
        return Sums(int(self.energy_ukwh), int(self.net_ueur), int(self.vat_ueur))


class UserZone(NamedTuple):
    """The timezone of a user's months."""

    user_id: UUID
    timezone: str


class Waiting(NamedTuple):
    """A user of whom something is not settled yet."""

    user_id: UUID


class First(NamedTuple):
    """A user's statement of a month, which credit notes correct."""

    user_id: UUID
    id: UUID


def month_in(month: date, timezone: str) -> Period:
    """A local month as a period."""
    zone, next_month = ZoneInfo(timezone), date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return Period(day_start(month, zone), day_start(next_month, zone))


async def timezones(session: AsyncSession, month: date) -> dict[str, list[UUID]]:
    """Users who bought or sold around a month, by the timezone of their months."""
    around = month_in(month, "UTC")
    rows = await TIMEZONES.rows(session, {"start": around.start, "end": around.end})
    found: dict[str, list[UUID]] = defaultdict(list)
    for row in rows:
        found[row.timezone].append(row.user_id)
    return dict(found)


async def make(
    session: AsyncSession, month: date, timezone: str, user_ids: Sequence[UUID], *, actor: str, now: datetime
) -> int:
    """State a month of users whose deliveries are settled and not stated as they are; gives how many documents.

    Users are locked in the order of their ids, so that two runs never state the same twice. Raises MonthNotOver.
    """
    period = month_in(month, timezone)
    if period.end > now:
        raise MonthNotOver(month)
    given = {"user_ids": sorted(user_ids), "start": period.start, "end": period.end, "month": month}
    await LOCK.rows(session, given)
    waiting = {row.user_id for row in await WAITING.rows(session, given)}
    owed, stated = _by_user(await OWED.rows(session, given)), _by_user(await STATED.rows(session, given))
    first = {row.user_id: row.id for row in await FIRST.rows(session, given)}
    made = []
    for user_id in sorted(set(owed) | set(stated)):
        lines = _news(owed.get(user_id, {}), stated.get(user_id, {}))
        if lines and (user_id not in waiting or user_id in first):
            made.append(_document(user_id, month, timezone, first.get(user_id), lines, now))
    await _store(session, made, actor)
    return len(made)


class DocumentRow(NamedTuple):
    """A document as it is stored."""

    id: UUID
    user_id: UUID
    kind: StatementKind
    corrects_id: UUID | None
    month: date
    timezone: str
    net_cents: int
    vat_cents: int
    total_cents: int
    ledger_ueur: int
    rounding_ueur: int
    made_at: datetime


class LineRow(NamedTuple):
    """A line of a document as it is stored; from its market on, the key of the line and what it comes to."""

    id: UUID
    statement_id: UUID
    number: int
    market_id: UUID
    side: OrderSide
    kind: LineKind
    vat_ppm: int
    energy_ukwh: int
    net_ueur: int
    vat_ueur: int
    net_cents: int
    vat_cents: int


@dataclass(frozen=True, slots=True)
class _Document:
    row: DocumentRow
    lines: list[LineRow]


def _by_user(rows: Sequence[SumRow]) -> dict[UUID, dict[LineKey, Stated]]:
    found: dict[UUID, dict[LineKey, Stated]] = defaultdict(dict)
    for row in rows:
        found[row.user_id][row.line] = Stated(row.sums, row.net_cents, row.vat_cents)
    return found


def _news(owed: Mapping[LineKey, Stated], stated: Mapping[LineKey, Stated]) -> list[Line]:
    """What a user's deliveries come to beyond what was stated, in lines."""
    keys = sorted(set(owed) | set(stated), key=lambda key: key.place)
    lines = [Line(key, owed.get(key, Stated()).sums, stated.get(key, Stated())) for key in keys]
    return [line for line in lines if line.is_news]


def _document(
    user_id: UUID, month: date, timezone: str, first_id: UUID | None, lines: Sequence[Line], now: datetime
) -> _Document:
    statement_id = new_id()
    net, vat = sum(line.net_cents for line in lines), sum(line.vat_cents for line in lines)
    ledger = sum(line.sums.net_ueur + line.sums.vat_ueur for line in lines)
    row = DocumentRow(
        id=statement_id,
        user_id=user_id,
        kind=StatementKind.CREDIT_NOTE if first_id else StatementKind.STATEMENT,
        corrects_id=first_id,
        month=month,
        timezone=timezone,
        net_cents=net,
        vat_cents=vat,
        total_cents=net + vat,
        ledger_ueur=ledger,
        rounding_ueur=(net + vat) * UEUR_PER_CENT - ledger,
        made_at=now,
    )
    return _Document(row, [_line_row(statement_id, number, line) for number, line in enumerate(lines, 1)])


def _line_row(statement_id: UUID, number: int, line: Line) -> LineRow:
    sums, cents = line.sums, (line.net_cents, line.vat_cents)
    return LineRow(new_id(), statement_id, number, *line.key, sums.energy_ukwh, sums.net_ueur, sums.vat_ueur, *cents)


async def _store(session: AsyncSession, made: Sequence[_Document], actor: str) -> None:
    if not made:
        return
    await DOCUMENTS.write(session, [document.row for document in made])
    await LINES.write(session, [line for document in made for line in document.lines])
    await entries.record_many(session, [_act(document.row, actor) for document in made])
    await notices.tell(session, [_notice(document.row) for document in made])


def _act(row: DocumentRow, actor: str) -> Act:
    facts = {"kind": row.kind, "month": row.month, "total_cents": row.total_cents, "ledger_ueur": row.ledger_ueur}
    return Act("statement.make", actor, ("AccountStatement", row.id), None, facts)


def _notice(row: DocumentRow) -> NewNotice:
    facts = {
        "statement_id": row.id,
        "document": row.kind.value,
        "month": f"{row.month:%Y-%m}",
        "total_cents": row.total_cents,
        "amount_ueur": -row.total_cents * UEUR_PER_CENT,
    }
    return NewNotice(row.user_id, STATEMENT_READY, facts)


async def lines_of(session: AsyncSession, statement_id: UUID) -> list[StatementLine]:
    """The lines of a document, in order."""
    query = select(StatementLine).where(StatementLine.statement_id == statement_id).order_by(StatementLine.number)
    return list(await session.scalars(query))


DOCUMENTS = Insertion("statement_documents", DocumentRow, AccountStatement)
LINES = Insertion("statement_lines", LineRow, StatementLine)
TIMEZONES = Statement("""
    SELECT party.user_id, coalesce((
        SELECT community.timezone FROM member JOIN membership ON membership.member_id = member.id
        JOIN community ON community.id = membership.community_id
        WHERE member.user_id = party.user_id ORDER BY membership.id LIMIT 1), 'UTC') AS timezone
    FROM (SELECT buyer_id AS user_id FROM trade
          WHERE delivery_start >= CAST(:start AS timestamptz) - interval '1 day'
            AND delivery_start < CAST(:end AS timestamptz) + interval '1 day'
          UNION SELECT seller_id FROM trade
          WHERE delivery_start >= CAST(:start AS timestamptz) - interval '1 day'
            AND delivery_start < CAST(:end AS timestamptz) + interval '1 day') AS party
    ORDER BY timezone, user_id
""").into(UserZone)
LOCK = Statement("""
    SELECT pg_advisory_xact_lock(hashtextextended('statement ' || user_id || CAST(:month AS date), 0))
    FROM (SELECT unnest(CAST(:user_ids AS uuid[])) AS user_id ORDER BY 1) AS stated
""")
OF_MONTH = """
    trade.delivery_start >= CAST(:start AS timestamptz) AND trade.delivery_start < CAST(:end AS timestamptz)"""
PARTIES = f"""
    SELECT trade.id, buyer_id AS user_id, market_id, 'BUY' AS side FROM trade
    WHERE {OF_MONTH} AND buyer_id = ANY(CAST(:user_ids AS uuid[]))
    UNION ALL SELECT trade.id, seller_id, seller_market_id, 'SELL' FROM trade
    WHERE {OF_MONTH} AND seller_id = ANY(CAST(:user_ids AS uuid[]))"""  # noqa: S608 - made of constants.
WAITING = Statement(f"""
    SELECT DISTINCT user_id FROM ({PARTIES}) AS party
    WHERE NOT EXISTS (SELECT FROM trade_delivery WHERE trade_id = party.id)
""").into(Waiting)  # noqa: S608
OWED = Statement(f"""
    SELECT party.user_id, party.market_id, line.side, line.kind, line.vat_ppm,
           sum(line.energy_ukwh) AS energy_ukwh, sum(line.net_ueur) AS net_ueur, sum(line.vat_ueur) AS vat_ueur,
           0 AS net_cents, 0 AS vat_cents
    FROM ({PARTIES}) AS party
    JOIN LATERAL (SELECT max(version) AS version FROM trade_delivery WHERE trade_id = party.id) AS latest ON true
    JOIN delivery_line AS line
      ON line.trade_id = party.id AND line.version = latest.version AND line.side = party.side
    GROUP BY party.user_id, party.market_id, line.side, line.kind, line.vat_ppm
""").into(SumRow)  # noqa: S608
STATED = Statement("""
    SELECT stated.user_id, line.market_id, line.side, line.kind, line.vat_ppm,
           sum(line.energy_ukwh) AS energy_ukwh, sum(line.net_ueur) AS net_ueur, sum(line.vat_ueur) AS vat_ueur,
           sum(line.net_cents)::bigint AS net_cents, sum(line.vat_cents)::bigint AS vat_cents
    FROM account_statement AS stated JOIN statement_line AS line ON line.statement_id = stated.id
    WHERE stated.user_id = ANY(CAST(:user_ids AS uuid[])) AND stated.month = CAST(:month AS date)
    GROUP BY stated.user_id, line.market_id, line.side, line.kind, line.vat_ppm
""").into(SumRow)
FIRST = Statement("""
    SELECT user_id, id FROM account_statement
    WHERE user_id = ANY(CAST(:user_ids AS uuid[])) AND month = CAST(:month AS date) AND kind = 'STATEMENT'
""").into(First)
