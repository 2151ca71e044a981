"""What the ids in notices lead to, so that people are told of zones, orders and times, and never of keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Notice
from domain.identity.tables import Language
from domain.kernel.sql import Statement
from domain.notifications.telling.formats import Format, instant_of

Facts = dict[str, Any]


class Reader(NamedTuple):
    """Who is told: a user that is not disabled, with the time zone of the community they joined first."""

    id: UUID
    language: str
    timezone: str | None


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a fact that is an id leads to: rows by id, whose columns become facts that the notice does not have."""

    fact: str
    statement: Statement[Any]


async def readers(session: AsyncSession, user_ids: Collection[UUID]) -> Mapping[UUID, Reader]:
    """Those of some users who may still be told."""
    return {row.id: row for row in await READERS.rows(session, {"ids": sorted(user_ids)})}


async def of(session: AsyncSession, notices: Sequence[Notice]) -> Mapping[UUID, Facts]:
    """The facts of each notice, and what they lead to; one statement for each kind of id."""
    found: dict[UUID, Facts] = {notice.id: {} for notice in notices}
    for notice in notices:
        found[notice.id] |= {name: value for name, value in notice.facts.items() if value is not None}
    for lookup in LOOKUPS:
        await _look_up(session, lookup, found.values())
    for facts in found.values():
        _complete(facts)
    return found


async def _look_up(session: AsyncSession, lookup: Lookup, told: Collection[Facts]) -> None:
    leading = [(facts, id) for facts in told if (id := _id(facts.get(lookup.fact))) is not None]
    if not leading:
        return
    rows = await lookup.statement.rows(session, {"ids": sorted({id for _, id in leading})})
    by_id = {row.id: row._mapping for row in rows}
    for facts, id in leading:
        facts |= {
            name: value
            for name, value in by_id.get(id, {}).items()
            if name != "id" and name not in facts and value is not None
        }


def _id(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _complete(facts: Facts) -> None:
    """A delivery of which the start is told ends with its interval."""
    start, minutes = instant_of(facts.get("delivery_start")), facts.get("delivery_minutes")
    if start is not None and isinstance(minutes, int) and "delivery_end" not in facts:
        facts["delivery_end"] = start + timedelta(minutes=minutes)


def format_for(reader: Reader, facts: Mapping[str, Any]) -> Format:
    """How a notice is written: in the time of the community, or else of the market's country."""
    timezone = facts.get("timezone") or reader.timezone or _clocks().get(str(facts.get("country")))
    return Format(Language(reader.language), timezone or "UTC")


@cache
def _clocks() -> Mapping[str, str]:
    """The time zone of each country; of several the first one, which is where most people live (tz database)."""
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text()
    rows = [row.split("\t") for row in table.splitlines() if not row.startswith("#")]
    return {row[0]: row[2] for row in reversed(rows)}


READERS = Statement("""
    SELECT reader.id, reader.language, (
        SELECT community.timezone FROM member JOIN membership ON membership.member_id = member.id
        JOIN community ON community.id = membership.community_id
        WHERE member.user_id = reader.id ORDER BY membership.id LIMIT 1) AS timezone
    FROM user_account AS reader WHERE reader.id = ANY(CAST(:ids AS uuid[])) AND reader.disabled_at IS NULL
""").into(Reader)
OF_ORDERS = Statement("""
    SELECT placed.id, placed.market_id, placed.side, placed.energy_ukwh AS order_ukwh, placed.limit_price_ueur_per_kwh,
           placed.delivery_start AS order_delivery_start, placed.delivery_end AS order_delivery_end,
           placed.filling = 'PER_INTERVAL' AND placed.delivery_end - placed.delivery_start
               > make_interval(mins => market.delivery_minutes) AS is_in_each_interval
    FROM market_order AS placed JOIN market ON market.id = placed.market_id
    WHERE placed.id = ANY(CAST(:ids AS uuid[]))
""")
OF_AUCTIONS = Statement("""
    SELECT auction.id, auction.market_id, offered.delivery_start, offered.delivery_end
    FROM dutch_auction AS auction JOIN market_order AS offered ON offered.id = auction.order_id
    WHERE auction.id = ANY(CAST(:ids AS uuid[]))
""")
OF_RULES = Statement("""
    SELECT id, market_id, name AS rule, timezone FROM trading_rule WHERE id = ANY(CAST(:ids AS uuid[]))
""")
OF_ALERTS = Statement("""
    SELECT id, title, text, issued_by_id IS NULL AS is_automatic FROM grid_alert WHERE id = ANY(CAST(:ids AS uuid[]))
""")
OF_HALTS = Statement("SELECT id, reason AS halted_for FROM zone_halt WHERE id = ANY(CAST(:ids AS uuid[]))")
OF_LIMITS = Statement("SELECT id, reason AS said FROM zone_limit WHERE id = ANY(CAST(:ids AS uuid[]))")
OF_MARKETS = Statement("""
    SELECT id, zone_id, delivery_minutes FROM market WHERE id = ANY(CAST(:ids AS uuid[]))
""")
OF_ZONES = Statement("""
    SELECT id, name AS zone, country FROM market_zone WHERE id = ANY(CAST(:ids AS uuid[]))
""")
# In this order, as an order leads to its market and that to its zone.
LOOKUPS = (
    Lookup("order_id", OF_ORDERS),
    Lookup("auction_id", OF_AUCTIONS),
    Lookup("rule_id", OF_RULES),
    Lookup("alert_id", OF_ALERTS),
    Lookup("halt_id", OF_HALTS),
    Lookup("limit_id", OF_LIMITS),
    Lookup("market_id", OF_MARKETS),
    Lookup("zone_id", OF_ZONES),
)
