"""Tables of trading rules: what they say, what they did, and how they would have done."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from domain.kernel.database import Base, CreatedAt, Id, Micro, text_enum, text_enums
from domain.kernel.personal import Personal
from domain.market.places.tables import EnergySource


class RuleKind(StrEnum):
    """What a trading rule does."""

    SELL_SURPLUS_ABOVE = "SELL_SURPLUS_ABOVE"
    BUY_BELOW = "BUY_BELOW"
    KEEP_BATTERY_RESERVE = "KEEP_BATTERY_RESERVE"


class RuleStatus(StrEnum):
    """Where a trading rule stands; the last one is final."""

    DRAFT = "DRAFT"
    ACTIVE = "ACTIVE"
    PAUSED = "PAUSED"
    ENDED = "ENDED"


class Weekday(StrEnum):
    """A day of the week, Monday first (ISO 8601)."""

    MONDAY = "MONDAY"
    TUESDAY = "TUESDAY"
    WEDNESDAY = "WEDNESDAY"
    THURSDAY = "THURSDAY"
    FRIDAY = "FRIDAY"
    SATURDAY = "SATURDAY"
    SUNDAY = "SUNDAY"


class TradingRule(Base):
    """Orders that its owner wants placed without being there: what to offer, at which price, in which local hours.

    `reserve_ppm` is a part of the owner's storage, `reserve_ukwh` an amount; a KEEP_BATTERY_RESERVE has one of them and
    places nothing itself. What deliveries before `decided_until` should get is decided; the next look is due at
    `next_run_at`, which only rules that place orders have.
    """

    __tablename__ = "trading_rule"
    __table_args__ = (
        CheckConstraint("(kind = 'KEEP_BATTERY_RESERVE') = (price_ueur_per_kwh IS NULL)", name="price"),
        CheckConstraint("price_ueur_per_kwh % 100 = 0", name="tick"),
        CheckConstraint(
            "num_nonnulls(reserve_ukwh, reserve_ppm) = CASE kind WHEN 'KEEP_BATTERY_RESERVE' THEN 1 ELSE 0 END",
            name="reserve",
        ),
        CheckConstraint("reserve_ukwh > 0 AND reserve_ppm BETWEEN 1 AND 1000000", name="reserve_size"),
        CheckConstraint("daily_ukwh_max > 0", name="daily"),
        CheckConstraint("source IS NULL OR kind = 'SELL_SURPLUS_ABOVE'", name="source"),
        CheckConstraint("lookahead_hours BETWEEN 1 AND 168", name="lookahead"),
        CheckConstraint("cardinality(hours) > 0 AND 0 <= ALL (hours) AND 23 >= ALL (hours)", name="hours"),
        CheckConstraint("cardinality(weekdays) > 0", name="some_weekday"),
        text_enums("weekdays", Weekday),
        Index("ix_trading_rule_owner_id", "owner_id", "id"),
        Index("ix_trading_rule_due", "next_run_at", postgresql_where=text("status = 'ACTIVE'")),
    )

    id: Mapped[Id]
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    market_id: Mapped[UUID] = mapped_column(ForeignKey("market.id"))
    kind: Mapped[RuleKind] = mapped_column(text_enum(RuleKind))
    status: Mapped[RuleStatus] = mapped_column(text_enum(RuleStatus), server_default=RuleStatus.DRAFT.value)
    name: Mapped[str] = mapped_column(Text)
    price_ueur_per_kwh: Mapped[Micro | None]
    reserve_ukwh: Mapped[Micro | None]
    reserve_ppm: Mapped[int | None] = mapped_column(Integer)
    daily_ukwh_max: Mapped[Micro | None]
    source: Mapped[EnergySource | None] = mapped_column(text_enum(EnergySource))
    timezone: Mapped[str] = mapped_column(Text)
    hours: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))
    weekdays: Mapped[list[str]] = mapped_column(ARRAY(Text))
    lookahead_hours: Mapped[int] = mapped_column(Integer, server_default="24")
    version: Mapped[int] = mapped_column(Integer, server_default="1")
    decided_until: Mapped[datetime | None]
    next_run_at: Mapped[datetime | None]
    refused_on: Mapped[date | None] = mapped_column(Date)
    stopped_reason: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class TradingRuleRun(Base):
    """What a rule decided for the deliveries that begin in [delivery_start, delivery_end), where it did anything.

    `decisions` holds for each of them what was forecast, bound, kept and offered, and why an order was refused.
    Append-only.
    """

    __tablename__ = "trading_rule_run"
    __table_args__ = (
        UniqueConstraint("rule_id", "delivery_start"),
        Index("ix_trading_rule_run_rule_id", "rule_id", "id"),
    )

    id: Mapped[Id]
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("trading_rule.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    rule_version: Mapped[int] = mapped_column(Integer)
    delivery_start: Mapped[datetime]
    delivery_end: Mapped[datetime]
    orders_count: Mapped[int] = mapped_column(Integer)
    refused_count: Mapped[int] = mapped_column(Integer)
    offered_ukwh: Mapped[Micro]
    decisions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    job_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


class TradingRuleSimulation(Base):
    """A rule run over the past, and what it would have brought beside the grid's tariffs. Append-only.

    Amounts are the owner's: positive where money is received; the grid's is null where no tariff is known. `orders`
    holds each order that it would have placed, and `parameters` what the rule said then.
    """

    __tablename__ = "trading_rule_simulation"
    __table_args__ = (Index("ix_trading_rule_simulation_rule_id", "rule_id", "id"),)

    id: Mapped[Id]
    rule_id: Mapped[UUID] = mapped_column(ForeignKey("trading_rule.id"))
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    rule_version: Mapped[int] = mapped_column(Integer)
    period_start: Mapped[datetime]
    period_end: Mapped[datetime]
    orders_count: Mapped[int] = mapped_column(Integer)
    offered_ukwh: Mapped[Micro]
    filled_ukwh: Mapped[Micro]
    delivered_ukwh: Mapped[Micro]
    amount_ueur: Mapped[Micro]
    grid_amount_ueur: Mapped[Micro | None]
    input_digest: Mapped[str] = mapped_column(Text)
    parameters: Mapped[dict[str, Any]] = mapped_column(JSONB)
    orders: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    job_id: Mapped[UUID | None]
    created_at: Mapped[CreatedAt]


PERSONAL = {
    TradingRule: Personal(of=("owner_id",)),
    TradingRuleRun: Personal(of=("owner_id",)),
    TradingRuleSimulation: Personal(of=("owner_id",)),
}
