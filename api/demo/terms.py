"""What holds in the demo's markets and zones: charges, grid tariffs, price models, capacities, limits, rules."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import sight
from domain.grid import alerts, capacities, limits
from domain.grid.alerts import NewAlert
from domain.grid.tables import AlertKind, LimitKind, Severity
from domain.identity.viewers import Viewer
from domain.kernel.quantities import parse_micro
from domain.market.places import markets
from domain.market.places.tables import ChargeKind, EnergySource, OrderSide
from domain.market.prices import alerts as price_alerts
from domain.market.prices import models, tariffs
from domain.market.prices.alerts import Watch
from domain.market.prices.calendars import Calendar, DayKind, Tier
from domain.market.prices.model_prices import Rate, Terms
from domain.market.prices.tables import AlertDirection, GridDirection
from domain.market.rules import rules
from domain.market.rules.rules import RuleTerms
from domain.market.rules.tables import RuleKind
from domain.metering.tables import Direction

CALENDAR = Calendar("Europe/Luxembourg")
EVENING = Tier("Evening", parse_micro("0.02"), (DayKind.WEEKDAY,), from_minute=17 * 60, to_minute=20 * 60)
WEIGHTS = {
    Rate.SUPPLY_DEMAND_RATIO: parse_micro("0.2"),
    Rate.MID_MARKET_RATE: parse_micro("0.3"),
    Rate.CROSSING_VALUE: parse_micro("0.5"),
}
GRID_PRICES = {GridDirection.IMPORT: parse_micro("0.2925"), GridDirection.EXPORT: parse_micro("0.0512")}
VAT_PPM = 170_000
# What is paid beside the price: kind, payer, net EUR per kWh.
CHARGES = (
    (ChargeKind.NETWORK, OrderSide.BUY, "0.0312"),
    (ChargeKind.FEE, OrderSide.BUY, "0.0025"),
    (ChargeKind.FEE, OrderSide.SELL, "0.001"),
)
FUND = "0.002"  # Of buyers to the community's fund, without VAT.
PENALTY_UEUR_PER_KWH = parse_micro("0.03")
ENERGY_VAT_PPM = 80_000
FUNDED_AFTER = timedelta(minutes=1)  # A rule acts when its owner's first deposit has arrived.
POWERS_W = {Direction.INJECTED: 60_000, Direction.WITHDRAWN: 90_000}
LIMIT_UKWH = parse_micro("50")

# Who trades by a rule alone: the two log-ins of the lane that `bin/up` prints, and two neighbours.
RULES: Mapping[str, RuleKind] = MappingProxyType(
    {
        "coordinator": RuleKind.SELL_SURPLUS_ABOVE,
        "member": RuleKind.BUY_BELOW,
        "home4": RuleKind.SELL_SURPLUS_ABOVE,
        "home5": RuleKind.BUY_BELOW,
    }
)
RULE_TERMS = {
    RuleKind.SELL_SURPLUS_ABOVE: RuleTerms(
        "Sell my sun", CALENDAR.timezone, parse_micro("0.06"), source=EnergySource.SOLAR, lookahead_hours=3
    ),
    RuleKind.BUY_BELOW: RuleTerms(
        "Buy what is cheap", CALENDAR.timezone, parse_micro("0.19"), daily_ukwh_max=parse_micro("6"), lookahead_hours=3
    ),
}


async def set_terms(
    session: AsyncSession, admin: Viewer, market_id: UUID, zone_id: UUID, fund_id: UUID, *, now: datetime
) -> None:
    """What a market and its zone ask, before anybody trades there."""
    funds = [(ChargeKind.COMMUNITY_FUND, OrderSide.BUY, FUND)]
    for kind, payer, eur_per_kwh in (*CHARGES, *funds):
        is_fund = kind is ChargeKind.COMMUNITY_FUND
        await markets.set_charge(
            session,
            admin,
            market_id,
            kind=kind,
            payer=payer,
            rate_ueur_per_kwh=parse_micro(eur_per_kwh),
            vat_ppm=0 if is_fund else VAT_PPM,
            valid_from=now,
            community_id=fund_id if is_fund else None,
            now=now,
        )
    for direction, price in GRID_PRICES.items():
        await tariffs.set_tariff(
            session,
            admin,
            zone_id=zone_id,
            direction=direction,
            price_ueur_per_kwh=price,
            calendar=CALENDAR,
            tiers=(),
            valid_from=None,
            now=now,
        )
    model = Terms(WEIGHTS, congestion_ueur_per_kwh=parse_micro("0.03"), calendar=CALENDAR, tiers=(EVENING,))
    await models.set_model(session, admin, market_id=market_id, terms=model, valid_from=None, now=now)


async def operate(session: AsyncSession, operator: Viewer, zone_id: UUID, *, now: datetime) -> None:
    """What the grid operator says of a zone, and the maintenance of the day after tomorrow."""
    reason = "As measured at the transformer."
    for direction, power_w in POWERS_W.items():
        await capacities.put(session, operator, zone_id, direction, power_w=power_w, valid_from=now, reason=reason)
    reason = "No larger trade fits the zone."
    await limits.put(session, operator, zone_id, LimitKind.PER_ORDER, energy_ukwh=LIMIT_UKWH, reason=reason, now=now)
    begins = now.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(days=2)
    notice = NewAlert(
        zone_id,
        AlertKind.MAINTENANCE,
        Severity.NOTICE,
        "Work at a transformer",
        "Supply is not interrupted; the zone takes less energy meanwhile.",
        begins,
        begins + timedelta(hours=4),
    )
    await alerts.issue(session, operator, notice, reason=None, people=(), now=now)


async def set_rules(session: AsyncSession, users: Mapping[str, UUID], market_id: UUID, *, now: datetime) -> None:
    """Rules of some of the lane, by log-in, and a price that one of them waits for."""
    for login, kind in RULES.items():
        viewer = await sight.viewer_for(await session.connection(), users[login])
        rule_id = await rules.create(session, viewer, market_id, kind, RULE_TERMS[kind])
        await rules.activate(session, viewer, rule_id, expected_version=1, now=now + FUNDED_AFTER)
    waiting = await sight.viewer_for(await session.connection(), users["member"])
    watch = Watch(parse_micro("0.08"), AlertDirection.BELOW, cool_down_minutes=60)
    await price_alerts.create(session, waiting, market_id, watch)
