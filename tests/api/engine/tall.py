"""Tables as tall as they are after years, for the planner: a million rows each, or fewer that it takes for a million.

Rows are made by the schema: keys count up, references spread over their table, other columns take any value that their
constraints allow. A million real rows of `trade` alone take 17 s, and there are fifteen such tables. So by default
there are 20,000 of each, analysed, and `pg_class.reltuples` then says fifty times as many: the planner multiplies that
density by the pages it finds. It believes in a million rows on the pages of 20,000, which makes reading a whole table
look cheaper than it is: what takes an index here takes it all the more when the pages are there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import asyncpg
from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Enum, LargeBinary, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from api.engine.declarations import ENTITIES
from domain.identity.tables import Session, UserRole
from domain.kernel.tables import Base
from domain.market.orders.tables import OrderInterval

TOLD = 1_000_000
TRADED = ("traded_in_ukwh", "traded_out_ukwh")
KEY = """
CREATE FUNCTION pg_temp.key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
$$ SELECT ('01980000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""

# Tables whose size is fixed by the grid, by law or by the state; all others grow with use.
FIXED: Mapping[str, int] = MappingProxyType(
    {
        "framework": 20,
        "market_zone": 20,
        "zone_link": 60,
        "zone_limit": 20,
        "market": 20,
        "market_charge": 400,  # A few rates of each market, with all that ever were.
        "municipality": 8_000,
        "substation_area": 2_000,
    }
)

# What the schema alone does not tell: values that checks and unique keys ask for. `n` counts rows from 0.
BY_HAND: Mapping[str, str] = MappingProxyType(
    {
        "account_statement.month": "date '2026-01-01' + n % 9000 / 30 * interval '1 month'",
        "account_statement.kind": "'CREDIT_NOTE'",
        "account_statement.total_cents": "2",
        "account_statement.ledger_ueur": "19999",
        "statement_line.number": "1 + n % 50",
        "dutch_auction.order_id": "pg_temp.key(n)",
        "auction_bid.order_id": "pg_temp.key(n)",
        "dutch_auction.ends_at": "timestamptz '2027-01-01Z' + n * interval '1 minute'",
        "market_charge.valid_from": "timestamptz '2026-01-01Z' + n * interval '1 day'",
        "market_charge.community_id": "NULL",
        "account.kind": "CASE WHEN n % 4 = 0 THEN 'FEE' ELSE 'AVAILABLE' END",
        "account.owner_id": "CASE WHEN n % 4 <> 0 THEN pg_temp.key(n) END",
        "account.scope_id": "CASE WHEN n % 4 = 0 THEN pg_temp.key(n) END",
        "account.balance_ueur": "0",
        "payment.amount_ueur": "10000",
        "payment.failure_reason": "NULL",
        "asset.kind": "'PV'",
        "asset.capacity_ukwh": "NULL",
        "community.is_listed": "n % 2 = 0",
        "community.boundary": "NULL",
        "framework.code": "'MICROGRID'",
        "market.zone_id": "pg_temp.key(n)",
        "market.batch_seconds": "5",
        "market.delivery_minutes": "15",
        "market_order.energy_ukwh": "1000",
        "market_order.limit_price_ueur_per_kwh": "100",
        "market_order.minimum_fill_ukwh": "0",
        "price_alert.times_fired": "0",
        "price_alert.last_fired_at": "NULL",
        "trade_delivery.trade_id": "pg_temp.key(n)",
        "trade_delivery.version": "1",
        "certificate_holding.issue_id": "pg_temp.key(n)",
        "certificate_holding.owned_wh": "2",
        "certificate_holding.cancelled_wh": "1",
        "trading_rule.price_ueur_per_kwh": "100",
        "trading_rule.reserve_ukwh": "NULL",
        "trading_rule.reserve_ppm": "NULL",
        "trading_rule.hours": "'{0}'",
        "trading_rule.weekdays": "'{MONDAY}'",
        "member.user_id": "pg_temp.key(n)",
        "allocation_day.metered_ukwh": "'{1}'",
        "allocation_day.shared_ukwh": "'{1}'",
        "allocation_day.traded_ukwh": "NULL",
        "member_card.label": "'House A' || n + 1",
        "member_card.membership_id": "pg_temp.key(n)",
        "message_delivery.channel": "'WEBHOOK'",
        "message_delivery.status": "'DELIVERED'",
        "metering_point.directions": "'{WITHDRAWN}'",
        "member_allocation.member_id": "pg_temp.key(n)",
        **{f"{table}.{column}": "0" for table in ("allocation_run", "member_allocation") for column in TRADED},
        "membership.member_id": "pg_temp.key(n)",
        "participation.membership_id": "pg_temp.key(n)",
        "participation.metering_point_id": "pg_temp.key(n)",
        "key_share.metering_point_id": "pg_temp.key(n)",
        "zone_halt.lifted_at": "CASE WHEN n >= 20 THEN timestamptz '2026-01-01Z' END",  # One stands in each zone.
        "grid_alert.withdrawn_reason": "NULL",
        "user_role.role": "'ADMIN'",
        "webhook.kinds": "'{PAYMENT}'",
        "user_role.zone_id": "NULL",
        "zone_link.from_zone_id": "pg_temp.key(n % 20)",
        "zone_link.to_zone_id": "pg_temp.key((n + 1 + n / 20) % 20)",
    }
)
# How many rows below one parent, where it is not a few.
BELOW_ONE: Mapping[str, int] = MappingProxyType(
    {
        "ledger_entry.holder_id": 1_000,
        "payment.owner_id": 50,
        "account_statement.user_id": 50,
        "statement_line.statement_id": 10,
        "dutch_auction.seller_id": 50,
        "auction_bid.bidder_id": 50,
        "auction_bid.auction_id": 5,
        "membership.community_id": 50,
        "member_card.community_id": 50,
        "participation.community_id": 50,
        "asset.community_id": 50,
        "key_share.key_id": 50,
        "key_share.community_id": 50,
        "member_allocation.run_id": 50,
        "member_allocation.community_id": 50,
        "allocation_difference.run_id": 1_000,
        "allocation_difference.community_id": 1_000,
        "trade.clearing_id": 25,
        "trade.buyer_id": 1_000,
        "trade.seller_id": 1_000,
        "certificate_holding.owner_id": 1_000,
        "market_order.owner_id": 500,
        "market_order.rule_id": 500,
        "trading_rule.owner_id": 10,
        "trading_rule_run.rule_id": 1_000,
        "trading_rule_simulation.rule_id": 5,
        "price_alert.owner_id": 50,
        "job.owner_id": 50,
        "message.user_id": 500,
        "job.community_id": 100,
    }
)
SHAPES = {
    "MULTIPOLYGON": "ST_Multi(ST_MakeEnvelope(7 + n % 100 * 0.1, 38 + n / 100 * 0.1, 7.1 + n % 100 * 0.1, "
    "38.1 + n / 100 * 0.1, 4326))",
    "POINT": "NULL",
}


def growing() -> list[Table]:
    """The tables of entities, and those that their reads touch, that grow; referenced ones first."""
    touched = {entity.table.__table__ for entity in ENTITIES.values()}
    touched |= {table.__table__ for table in (Session, UserRole, OrderInterval)}
    return [table for table in Base.metadata.sorted_tables if table in touched and table.name not in FIXED]


def read() -> list[Table]:
    """All tables that reads touch: those that grow, and those whose size is fixed."""
    return [*(table for table in Base.metadata.sorted_tables if table.name in FIXED), *growing()]


async def grow(connection: asyncpg.Connection, rows: int, tables: Sequence[Table]) -> None:
    """Fill tables, analyse them, and tell the planner of a million rows of those that grow. For a superuser."""
    await connection.execute("SET session_replication_role = replica")  # No triggers: references are as they should be.
    await connection.execute(KEY)
    for table in tables:
        await connection.execute(f"TRUNCATE {table.name} CASCADE")
    for name, below in BELOW_ONE.items():
        # Of fewer than a tenth of the rows, ANALYZE would note the number of different values, not their share.
        table_name, _, column_name = name.partition(".")
        await connection.execute(f"ALTER TABLE {table_name} ALTER {column_name} SET (n_distinct = {-1 / below:f})")
    for table in tables:
        await connection.execute(insertion(table, FIXED.get(table.name, rows), rows))
        await connection.execute(f"ANALYZE {table.name}")
    await connection.execute(
        "UPDATE pg_class SET reltuples = reltuples * $1 WHERE reltuples > 0 AND (relname = ANY($2) OR oid IN "
        "(SELECT indexrelid FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relname = ANY($2))))",
        TOLD / rows,
        [table.name for table in tables if table.name not in FIXED],
    )


def insertion(table: Table, count: int, rows: int) -> str:
    """A statement that makes rows 0 to count - 1 of a table."""
    columns = [column for column in table.c if column.computed is None and column.identity is None]
    values = ", ".join(value(column, rows) for column in columns)
    names = ", ".join(column.name for column in columns)
    return f"INSERT INTO {table.name} ({names}) SELECT {values} FROM generate_series(0::bigint, {count - 1}) AS n"


def value(column: Column[Any], rows: int) -> str:
    """The value of a column in row `n`, as SQL."""
    name = f"{column.table.name}.{column.name}"
    if name in BY_HAND:
        return BY_HAND[name]
    if column.primary_key and not column.foreign_keys:
        return "pg_temp.key(n)" if isinstance(column.type, Uuid) else _of_type(column)
    if isinstance(column.type, Uuid):
        return f"pg_temp.key({_reference(column, name, rows)})"
    return _of_type(column)


def _reference(column: Column[Any], name: str, rows: int) -> str:
    """The number of the row that a column leads to: some for each, spread over the table that they lead to."""
    target = next((key.column.table.name for key in column.foreign_keys), "")
    size = FIXED.get(target, rows)
    # Fewer rows below fewer parents, so that what ANALYZE finds most common is no more common than in a million.
    below = max(1, BELOW_ONE.get(name, 1) * rows // TOLD)
    return f"n / {below} % {size}"


def _of_type(column: Column[Any]) -> str:
    kind = column.type
    if isinstance(kind, Enum):
        return f"'{next(iter(kind.enum_class))}'" if kind.enum_class else "''"
    if isinstance(kind, DateTime | Date):
        ends = column.nullable and column.name.endswith(("_to", "_at"))
        unit = "day" if isinstance(kind, Date) else "minute"
        day = "n % 9000" if isinstance(kind, Date) else "n"
        return "NULL" if ends else f"timestamptz '2026-01-01Z' + {day} * interval '1 {unit}' + {_later(column)}"
    if isinstance(kind, Geometry):
        return SHAPES[kind.geometry_type]
    for type_, text in TEXTS:
        if isinstance(kind, type_):
            return text
    return "1 + n" if column.name in {"version", "batch"} else "1"


def _later(column: Column[Any]) -> str:
    return "interval '15 minutes'" if column.name.endswith("_end") else "interval '0'"


TEXTS: tuple[tuple[Any, str], ...] = (
    (Text, "'text ' || n"),
    (ARRAY, "'{MEMBER}'"),
    (JSONB, "'{}'"),
    (Boolean, "true"),
    (LargeBinary, "sha256(n::text::bytea)"),
)


@dataclass(frozen=True, order=True)
class Scan:
    """How a plan reads a table: by which index, if any, and on what condition."""

    table: str
    kind: str
    index: str
    condition: str

    @property
    def is_sought(self) -> bool:
        """Whether an index leads to the rows of one value, or of some: not to all rows, in its order or in none."""
        return " = " in self.condition


def scans(plan: Mapping[str, Any], table: str = "") -> Iterator[Scan]:
    """The scans of a plan. Of a bitmap they are those of its indexes."""
    table = plan.get("Relation Name", table)
    kind = plan["Node Type"]
    if kind.endswith("Scan") and kind != "Bitmap Heap Scan" and table and not kind.startswith(PASSING):
        yield Scan(table, kind, plan.get("Index Name", ""), plan.get("Index Cond", ""))
    for child in plan.get("Plans", ()):
        yield from scans(child, table if kind in BITMAPS else "")


PASSING = ("Subquery", "CTE", "Function", "Values", "Named", "Work")
BITMAPS = frozenset({"Bitmap Heap Scan", "BitmapAnd", "BitmapOr"})
