"""Owners with meters and money, and trading rules, for tests. Readings are of the days before `NOW`."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import AssetKind
from domain.identity.viewers import Viewer
from domain.kernel.quantities import parse_micro
from domain.market.rules import rules
from domain.market.rules.rules import RuleTerms
from domain.market.rules.tables import RuleKind, TradingRuleRun, TradingRuleSimulation
from domain.metering.tables import Direction, MeteringPoint
from tests.factories.communities import a_community, a_member, a_membership, a_participation, an_asset, own_plant
from tests.factories.identity import a_user
from tests.factories.ledger import a_deposit
from tests.factories.market import PLANT_OF_SOURCE
from tests.factories.metering import a_metering_point, a_reading_day, recorded, values

ZONE = "Europe/Luxembourg"
NOW = datetime(2026, 6, 20, 9, 7, 30, tzinfo=UTC)  # A Saturday, seven past eleven in Luxembourg.
TODAY = NOW.date()


async def an_owner(
    session: AsyncSession, *, eur: str = "100", storage_kwh: str | None = None, **point: Any
) -> tuple[Viewer, MeteringPoint]:
    """Somebody with money, a roof of 40 kW, and a metering point that takes part in a community."""
    user = await a_user(session)
    member = await a_member(session, user)
    membership = await a_membership(session, await a_community(session), member)
    metering_point = await a_metering_point(session, **point)
    participation = await a_participation(session, membership, metering_point)
    await an_asset(session, participation, power_w=40_000)
    if storage_kwh is not None:
        capacity = parse_micro(storage_kwh)
        await an_asset(session, participation, kind=AssetKind.STORAGE, power_w=5_000, capacity_ukwh=capacity)
    await a_deposit(session, user.id, eur)
    return Viewer(user_id=user.id), metering_point


async def metered(
    session: AsyncSession,
    point: MeteringPoint,
    direction: Direction,
    days: Sequence[date],
    kwh: str | Sequence[int] = "1",
) -> None:
    """Complete days of a metering point, the same value in each quarter-hour unless all are given in micro-kWh."""
    each = parse_micro(kwh) if isinstance(kwh, str) else kwh
    rows = [a_reading_day(point.id, direction=direction, day=day, values_ukwh=values(each)) for day in days]
    await recorded(session, *rows, source=f"{direction} {days[0]} {kwh}")


def days_before(day: date, count: int) -> list[date]:
    """So many days, the last one before a day."""
    return [day - timedelta(days=number) for number in range(count, 0, -1)]


def the_terms(**overrides: Any) -> RuleTerms:
    """Sell at 0.10 EUR/kWh or above, at all hours, an hour ahead."""
    facts: dict[str, Any] = {
        "name": "My surplus",
        "timezone": ZONE,
        "price_ueur_per_kwh": 100_000,
        "lookahead_hours": 1,
    } | overrides
    return RuleTerms(**facts)


def the_reserve(**overrides: Any) -> RuleTerms:
    """Keep half of the storage."""
    return the_terms(**({"name": "Night", "price_ueur_per_kwh": None, "reserve_ppm": 500_000} | overrides))


async def a_rule(
    session: AsyncSession,
    owner: Viewer,
    market_id: UUID,
    kind: RuleKind = RuleKind.SELL_SURPLUS_ABOVE,
    *,
    is_active: bool = True,
    **overrides: Any,
) -> UUID:
    """A rule that is due now, or a draft."""
    if overrides.get("source") is not None:
        assert owner.user_id is not None
        await own_plant(session, owner.user_id, PLANT_OF_SOURCE[overrides["source"]])
    terms = the_reserve(**overrides) if kind is RuleKind.KEEP_BATTERY_RESERVE else the_terms(**overrides)
    rule_id = await rules.create(session, owner, market_id, kind, terms)
    if is_active:
        await rules.activate(session, owner, rule_id, expected_version=1, now=NOW)
    return rule_id


def a_run(rule_id: UUID, owner_id: UUID, order_id: UUID) -> TradingRuleRun:
    """A run that placed one order."""
    energies = {"energy_ukwh": 1_000, "forecast_ukwh": 1_000, "bound_ukwh": 0, "kept_ukwh": 0, "left_on_day_ukwh": None}
    came = {"delivery_start": NOW.isoformat(), "order_id": str(order_id), "refusal": None, "message": None}
    return TradingRuleRun(
        rule_id=rule_id,
        owner_id=owner_id,
        rule_version=1,
        delivery_start=NOW,
        delivery_end=NOW,
        orders_count=1,
        refused_count=0,
        offered_ukwh=1_000,
        decisions=[energies | came],
    )


def a_simulation(rule_id: UUID, owner_id: UUID, _: Any = None) -> TradingRuleSimulation:
    """A simulation in which nothing happened."""
    energies = {"offered_ukwh": 0, "filled_ukwh": 0, "delivered_ukwh": 0}
    return TradingRuleSimulation(
        rule_id=rule_id,
        owner_id=owner_id,
        rule_version=1,
        period_start=NOW,
        period_end=NOW,
        orders_count=0,
        amount_ueur=0,
        input_digest="x",
        parameters={"timezone": "UTC"},
        orders=[],
        **energies,
    )
