"""Trading rules run over the past: what a rule would have placed, got and been paid, beside what the grid would pay.

Stated assumptions: the rule alone traded for its owner, beside the reserves that are active now; it decided on each
delivery its lookahead before, by the readings of the days before that; it moved no price, and got at most what was
traded in the interval, at the price cleared there, weighted by energy where several batches were. Energy counts as far
as it was metered; what falls short costs the market's penalty. Fees, network charges and VAT are those of the market.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.jobs import queue
from domain.kernel.errors import InvalidValue, NotFound
from domain.kernel.intervals import Period, day_start, local_days, whole_local_days
from domain.kernel.quantities import PRICE_UEUR_PER_KWH_MAX, amount_ueur
from domain.market.clearing import ticks
from domain.market.places import charges
from domain.market.places.charges import MoneyTerms
from domain.market.places.tables import Market, OrderSide
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.tables import GridDirection
from domain.market.prices.tariffs import Tariff
from domain.market.rules import situations, surplus
from domain.market.rules.situations import ActingReserve, days_of
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule, TradingRuleSimulation
from domain.market.rules.words import SIMULATE_TRADING_RULE
from domain.metering.tables import Direction

DAYS_MAX = 92
TIME_LIMIT_S = 120


@dataclass(frozen=True, slots=True)
class GridPrices:
    """What a kWh from the grid costs and what one to it earns, where the asker says so; None is the zone's tariff."""

    import_ueur_per_kwh: int | None = None
    export_ueur_per_kwh: int | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """A rule and what is known of each interval of a period: forecasts, and what came of it. Energies are micro-kWh."""

    rule: TradingRule
    period: Period
    minutes: int
    starts: tuple[datetime, ...]
    days: tuple[int, ...]
    covers: tuple[bool, ...]
    reserves: tuple[ActingReserve, ...]
    injected_ukwh: tuple[int, ...]
    withdrawn_ukwh: tuple[int, ...]
    metered_ukwh: tuple[int, ...]
    price_ueur_per_kwh: tuple[int | None, ...]
    traded_ukwh: tuple[int, ...]
    grid_price_ueur_per_kwh: tuple[int | None, ...]
    money: MoneyTerms

    @property
    def side(self) -> OrderSide:
        """What the rule places."""
        return situations.SIDES[self.rule.kind]


@dataclass(frozen=True, slots=True)
class SimulatedFill:
    """An order that the rule would have placed for one interval, by number, and what it would have got. micro-kWh."""

    interval: int
    offered_ukwh: int
    price_ueur_per_kwh: int | None
    filled_ukwh: int
    delivered_ukwh: int


async def ask(
    session: AsyncSession, viewer: Viewer, rule_id: UUID, period: Period, grid: GridPrices, *, now: datetime
) -> UUID:
    """Ask for a simulation of one's rule; gives the id of the job. Raises NotAllowed, NotFound, InvalidValue."""
    require_scope(viewer, TRADE, "simulate trading rules with this key")
    rule = await session.get(TradingRule, rule_id)
    if rule is None or rule.owner_id != viewer.user_id:
        raise NotFound("trading rule", rule_id)
    if rule.kind is RuleKind.KEEP_BATTERY_RESERVE:
        raise InvalidValue(("id",), "A reserve places no orders: simulate a rule that trades while it is active.")
    check_period(rule, period, now)
    for name, price in (("gridImportPrice", grid.import_ueur_per_kwh), ("gridExportPrice", grid.export_ueur_per_kwh)):
        if price is not None and abs(price) > PRICE_UEUR_PER_KWH_MAX:
            raise InvalidValue((name,), "The price must be -4 to 4 EUR/kWh.")
    arguments = {
        "rule_id": str(rule_id),
        "period": [period.start.isoformat(), period.end.isoformat()],
        "grid": [grid.import_ueur_per_kwh, grid.export_ueur_per_kwh],
        "actor": viewer.key,
    }
    name = f"simulate-rule:{rule_id}:{rule.version}:{_digest([arguments['period'], arguments['grid']])[:16]}"
    limits = {"owner_id": viewer.user_id, "time_limit_s": TIME_LIMIT_S}
    return await queue.enqueue_again(session, SIMULATE_TRADING_RULE, name, arguments, **limits)


def check_period(rule: TradingRule, period: Period, now: datetime) -> None:
    """Raise InvalidValue unless it is made of whole local days of the rule that are over, not too many."""
    zone = ZoneInfo(rule.timezone)
    if not whole_local_days(period, zone):
        raise InvalidValue(("period",), f"The period is not made of whole local days of {rule.timezone}.")
    if period.end > day_start(now.astimezone(zone).date(), zone):
        raise InvalidValue(("period",), "The period ends before today.")
    if sum(1 for _ in local_days(period, zone)) > DAYS_MAX:
        raise InvalidValue(("period",), f"The period is longer than {DAYS_MAX} days.")


async def read(session: AsyncSession, rule_id: UUID, period: Period, grid: GridPrices) -> Simulated:
    """Everything that a simulation needs. Raises NotFound."""
    rule = await session.get(TradingRule, rule_id)
    if rule is None:
        raise NotFound("trading rule", rule_id)
    market = await session.get_one(Market, rule.market_id)
    minutes, connection = market.delivery_minutes, await session.connection()
    starts = _starts(period, minutes)
    side = situations.SIDES[rule.kind]
    direction = Direction.INJECTED if side is OrderSide.SELL else Direction.WITHDRAWN
    made_at = [start - timedelta(hours=rule.lookahead_hours) for start in starts]
    first, until = surplus.first_day(made_at[0]), period.end.date() + timedelta(days=1)
    past = await surplus.read(connection, [rule.owner_id], first, until)
    of_market = await ticks.series(connection, [market.id], Period(starts[0], period.end), minutes)
    cleared = {bucket.start: bucket for bucket in of_market[market.id]}
    tariffs = await grid_tariffs.holding(connection, [market.zone_id], period.start, period.end)
    return Simulated(
        rule=rule,
        period=period,
        minutes=minutes,
        starts=starts,
        days=days_of(rule, starts),
        covers=tuple(situations.covers(rule, start) for start in starts),
        reserves=tuple([situations.acting_reserve(each, starts, past) for each in await _reserves(session, rule)]),
        injected_ukwh=tuple(past.expected_ukwh(rule.owner_id, Direction.INJECTED, starts, minutes, made_at)),
        withdrawn_ukwh=tuple(past.expected_ukwh(rule.owner_id, Direction.WITHDRAWN, starts, minutes, made_at)),
        metered_ukwh=tuple(past.metered_ukwh(rule.owner_id, direction, starts, minutes)),
        price_ueur_per_kwh=tuple(cleared[at].price_ueur_per_kwh if at in cleared else None for at in starts),
        traded_ukwh=tuple(_traded(cleared.get(at)) for at in starts),
        grid_price_ueur_per_kwh=tuple(_grid_price(side, grid, tariffs, market.zone_id, at) for at in starts),
        money=(await charges.terms(session, [market.id]))[market.id],
    )


async def record(
    session: AsyncSession,
    simulated: Simulated,
    fills: Sequence[SimulatedFill],
    *,
    actor: str,
    job_id: UUID | None = None,
) -> UUID:
    """Store what came of it; equal inputs give the simulation that is there. Gives its id."""
    rule = simulated.rule
    orders = [_order(simulated, fill) for fill in fills]
    grid = [order["grid_amount_ueur"] for order in orders]
    parameters = parameters_of(rule)
    digest = _digest([str(rule.id), parameters, orders, simulated.period.start, simulated.period.end])
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"simulation:{digest}", 0))))
    same = select(TradingRuleSimulation.id).where(
        TradingRuleSimulation.rule_id == rule.id, TradingRuleSimulation.input_digest == digest
    )
    earlier: UUID | None = await session.scalar(same.limit(1))
    if earlier is not None:
        return earlier
    made = TradingRuleSimulation(
        rule_id=rule.id,
        owner_id=rule.owner_id,
        rule_version=rule.version,
        period_start=simulated.period.start,
        period_end=simulated.period.end,
        orders_count=len(orders),
        offered_ukwh=sum(order["offered_ukwh"] for order in orders),
        filled_ukwh=sum(order["filled_ukwh"] for order in orders),
        delivered_ukwh=sum(order["delivered_ukwh"] for order in orders),
        amount_ueur=sum(order["amount_ueur"] for order in orders),
        grid_amount_ueur=None if None in grid else sum(grid),
        input_digest=digest,
        parameters=parameters,
        orders=orders,
        job_id=job_id,
    )
    session.add(made)
    await session.flush()
    facts = {"simulation_id": made.id, "version": rule.version, "digest": digest}
    subject = ("TradingRule", rule.id)
    await entries.record(
        session, "trading_rule.simulate", actor=actor, subject=subject, scope_id=rule.market_id, facts=facts
    )
    return made.id


def parameters_of(rule: TradingRule) -> dict[str, Any]:
    """What a rule says, as a simulation keeps it."""
    return {
        "kind": rule.kind.value,
        "price_ueur_per_kwh": rule.price_ueur_per_kwh,
        "daily_ukwh_max": rule.daily_ukwh_max,
        "timezone": rule.timezone,
        "hours": list(rule.hours),
        "weekdays": list(rule.weekdays),
        "lookahead_hours": rule.lookahead_hours,
    }


def _starts(period: Period, minutes: int) -> tuple[datetime, ...]:
    """The delivery intervals that begin in a period; they are aligned in UTC, which midnight need not be."""
    step = timedelta(minutes=minutes)
    late = (period.start.timestamp() // 60) % minutes
    first = period.start + (timedelta(minutes=minutes - late) if late else timedelta())
    return tuple(first + number * step for number in range(-((first - period.end) // step)))


async def _reserves(session: AsyncSession, rule: TradingRule) -> list[TradingRule]:
    if rule.kind is not RuleKind.SELL_SURPLUS_ABOVE:
        return []
    query = select(TradingRule).where(
        TradingRule.owner_id == rule.owner_id,
        TradingRule.status == RuleStatus.ACTIVE,
        TradingRule.kind == RuleKind.KEEP_BATTERY_RESERVE,
    )
    return list(await session.scalars(query.order_by(TradingRule.id)))


def _traded(bucket: ticks.Bucket | None) -> int:
    return 0 if bucket is None else max(bucket.bought_ukwh, bucket.sold_ukwh)


def _grid_price(
    side: OrderSide, given: GridPrices, tariffs: Sequence[Tariff], zone_id: UUID, instant: datetime
) -> int | None:
    named = given.export_ueur_per_kwh if side is OrderSide.SELL else given.import_ueur_per_kwh
    if named is not None:
        return named
    direction = GridDirection.EXPORT if side is OrderSide.SELL else GridDirection.IMPORT
    return grid_tariffs.price_at(tariffs, zone_id, direction, instant)


def _order(simulated: Simulated, fill: SimulatedFill) -> dict[str, Any]:
    """An order as a simulation stores it, with what it would have brought its owner."""
    start, side, terms = simulated.starts[fill.interval], simulated.side, simulated.money
    paid = penalty = 0
    if fill.price_ueur_per_kwh is not None:
        paid = charges.cost_ueur(charges.lines(side, fill.delivered_ukwh, fill.price_ueur_per_kwh, terms, start))
        short = charges.penalty_lines(side, fill.filled_ukwh - fill.delivered_ukwh, terms)
        penalty = charges.cost_ueur(line for line in short if line.side is side)
    grid_price = simulated.grid_price_ueur_per_kwh[fill.interval]
    sign = 1 if side is OrderSide.SELL else -1
    return {
        "delivery_start": start.isoformat(),
        "offered_ukwh": fill.offered_ukwh,
        "price_ueur_per_kwh": fill.price_ueur_per_kwh,
        "filled_ukwh": fill.filled_ukwh,
        "delivered_ukwh": fill.delivered_ukwh,
        "amount_ueur": -(paid + penalty),
        "grid_amount_ueur": None if grid_price is None else sign * amount_ueur(fill.delivered_ukwh, grid_price),
    }


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
