"""Trading rules: what their owners say of them, and where they stand.

A rule is made as a draft, may be simulated, and places orders while it is active (`runs`). A KEEP_BATTERY_RESERVE
places none: while it is active, the rules of its owner offer what is left when the reserve is full.

Decision, 2026-11-21: orders that a rule has placed stand when it is paused or ended, as any order does; `cancel_orders`
withdraws them in the same transaction. What a rule has decided for a delivery it does not decide again, whatever its
terms become: its orders are there to be cancelled by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound, StaleVersion
from domain.kernel.quantities import ENERGY_UKWH_MAX, LOT_UKWH, PRICE_UEUR_PER_KWH_MAX, TICK_UEUR_PER_KWH, WHOLE_PPM
from domain.market.orders import orders
from domain.market.orders.tables import Order
from domain.market.places.tables import EnergySource, Market
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule, Weekday

NAME_MAX = 120
RULES_MAX = 50  # Of one owner that have not ended.
HOURS = tuple(range(24))
LOOKAHEAD_HOURS_MAX = 168

# What may become of a rule; ENDED leads nowhere.
TRANSITIONS: Mapping[RuleStatus, frozenset[RuleStatus]] = MappingProxyType(
    {
        RuleStatus.DRAFT: frozenset({RuleStatus.ACTIVE, RuleStatus.ENDED}),
        RuleStatus.ACTIVE: frozenset({RuleStatus.PAUSED, RuleStatus.ENDED}),
        RuleStatus.PAUSED: frozenset({RuleStatus.ACTIVE, RuleStatus.ENDED}),
        RuleStatus.ENDED: frozenset(),
    }
)


class RuleInOtherStatus(DomainError):
    """The rule stands where this cannot be done with it."""

    def __init__(self, rule_id: UUID, status: RuleStatus, wanted: RuleStatus | None = None) -> None:
        becomes = "changed" if wanted is None else f"made {wanted.value.lower()}"
        super().__init__(f"The rule is {status.value.lower()} and cannot be {becomes}.")
        self.rule_id = rule_id
        self.status = status


class TooManyRules(DomainError):
    """The owner has as many rules as one may have."""

    def __init__(self) -> None:
        super().__init__(f"You have {RULES_MAX} rules that have not ended; end one first.")
        self.maximum = RULES_MAX


@dataclass(frozen=True, slots=True)
class RuleTerms:
    """What a rule says. `daily_ukwh_max` bounds what it has open and traded for the deliveries of one local day.

    hours: local hours in which deliveries begin; weekdays: local days on which they do.
    """

    name: str
    timezone: str
    price_ueur_per_kwh: int | None = None
    reserve_ukwh: int | None = None
    reserve_ppm: int | None = None
    daily_ukwh_max: int | None = None
    source: EnergySource | None = None
    hours: tuple[int, ...] = HOURS
    weekdays: tuple[Weekday, ...] = tuple(Weekday)
    lookahead_hours: int = 24

    @property
    def row(self) -> dict[str, Any]:
        """The columns of a rule, lists in order and without repetitions."""
        return {
            "name": self.name.strip(),
            "timezone": self.timezone,
            "price_ueur_per_kwh": self.price_ueur_per_kwh,
            "reserve_ukwh": self.reserve_ukwh,
            "reserve_ppm": self.reserve_ppm,
            "daily_ukwh_max": self.daily_ukwh_max,
            "source": self.source,
            "hours": sorted(set(self.hours)),
            "weekdays": [day.value for day in Weekday if day in self.weekdays],
            "lookahead_hours": self.lookahead_hours,
        }


async def create(session: AsyncSession, viewer: Viewer, market_id: UUID, kind: RuleKind, terms: RuleTerms) -> UUID:
    """Draft a rule. Raises NotAllowed, NotFound, InvalidValue, TooManyRules."""
    require_scope(viewer, TRADE, "make trading rules with this key")
    assert viewer.user_id is not None
    check(kind, terms)
    if await session.get(Market, market_id) is None:
        raise NotFound("market", market_id)
    await _check_count(session, viewer.user_id)
    rule = TradingRule(owner_id=viewer.user_id, market_id=market_id, kind=kind, **terms.row)
    session.add(rule)
    await session.flush()
    await _record(session, viewer, rule, "create", {"kind": kind.value} | terms.row)
    return rule.id


async def change(
    session: AsyncSession, viewer: Viewer, rule_id: UUID, terms: RuleTerms, *, expected_version: int, now: datetime
) -> None:
    """Replace what a rule says; it counts for deliveries that are not decided yet.

    Raises NotAllowed, NotFound, InvalidValue, StaleVersion, RuleInOtherStatus.
    """
    rule = await _own(session, viewer, rule_id, expected_version)
    if rule.status is RuleStatus.ENDED:
        raise RuleInOtherStatus(rule_id, rule.status)
    check(rule.kind, terms)
    for name, value in terms.row.items():
        setattr(rule, name, value)
    rule.version += 1
    if rule.next_run_at is not None:
        rule.next_run_at = now  # It may look further ahead than before.
    await session.flush()
    await _record(session, viewer, rule, "change", terms.row)


async def activate(
    session: AsyncSession, viewer: Viewer, rule_id: UUID, *, expected_version: int, now: datetime
) -> None:
    """Let a rule act from now on. Raises NotAllowed, NotFound, StaleVersion, RuleInOtherStatus."""
    rule = await _own(session, viewer, rule_id, expected_version)
    _move(rule, RuleStatus.ACTIVE)
    rule.next_run_at = None if rule.kind is RuleKind.KEEP_BATTERY_RESERVE else now
    rule.stopped_reason = None
    await session.flush()
    await _record(session, viewer, rule, "activate", {})


async def pause(
    session: AsyncSession,
    viewer: Viewer,
    rule_id: UUID,
    *,
    expected_version: int,
    now: datetime,
    cancel_orders: bool = False,
) -> None:
    """Let a rule rest. Raises NotAllowed, NotFound, StaleVersion, RuleInOtherStatus."""
    await _stop(session, viewer, rule_id, RuleStatus.PAUSED, expected_version, now, cancel_orders=cancel_orders)


async def end(
    session: AsyncSession,
    viewer: Viewer,
    rule_id: UUID,
    *,
    expected_version: int,
    now: datetime,
    cancel_orders: bool = False,
) -> None:
    """End a rule for good. Raises NotAllowed, NotFound, StaleVersion, RuleInOtherStatus."""
    await _stop(session, viewer, rule_id, RuleStatus.ENDED, expected_version, now, cancel_orders=cancel_orders)


def check(kind: RuleKind, terms: RuleTerms) -> None:
    """Raise InvalidValue at the first field that is wrong."""
    _require("name", 1 <= len(terms.name.strip()) <= NAME_MAX and "\x00" not in terms.name, NAME_REASON)
    _require("timezone", terms.timezone in available_timezones(), ZONE_REASON)
    _check_price(kind, terms.price_ueur_per_kwh)
    _check_reserve(kind, terms)
    most = terms.daily_ukwh_max
    if most is not None:
        _require("dailyMaxKwh", LOT_UKWH <= most <= ENERGY_UKWH_MAX and most % LOT_UKWH == 0, DAILY_REASON)
    sells = kind is RuleKind.SELL_SURPLUS_ABOVE
    _require("source", terms.source is None or sells, "Only a rule that sells says where its energy comes from.")
    _require("hours", bool(terms.hours) and set(terms.hours) <= set(HOURS), "Hours are 0 to 23, at least one of them.")
    _require("weekdays", bool(terms.weekdays), "A rule acts on at least one day of the week.")
    _require("lookaheadHours", 1 <= terms.lookahead_hours <= LOOKAHEAD_HOURS_MAX, "A rule looks 1 to 168 hours ahead.")


NAME_REASON = f"A name has 1 to {NAME_MAX} characters, none of them NUL."
ZONE_REASON = 'It must be a name of the time zone database, such as "Europe/Rome".'
DAILY_REASON = "It must be 0.001 to 100000 kWh, whole watt-hours."


def _check_price(kind: RuleKind, price: int | None) -> None:
    if kind is RuleKind.KEEP_BATTERY_RESERVE:
        _require("price", price is None, "A reserve has no price.")
        return
    _require("price", price is not None, "A rule that trades has a price.")
    assert price is not None
    _require("price", abs(price) <= PRICE_UEUR_PER_KWH_MAX, "The price must be -4 to 4 EUR/kWh.")
    _require("price", price % TICK_UEUR_PER_KWH == 0, "The price must be a multiple of 0.0001 EUR/kWh.")


def _check_reserve(kind: RuleKind, terms: RuleTerms) -> None:
    if kind is not RuleKind.KEEP_BATTERY_RESERVE:
        _require("reserveKwh", terms.reserve_ukwh is None, "Only a KEEP_BATTERY_RESERVE has a reserve.")
        _require("reserveShare", terms.reserve_ppm is None, "Only a KEEP_BATTERY_RESERVE has a reserve.")
        return
    one = (terms.reserve_ukwh is None) != (terms.reserve_ppm is None)
    _require("reserveKwh", one, "A reserve is an energy or a share of the storage, one of them.")
    if terms.reserve_ukwh is not None:
        _require("reserveKwh", 0 < terms.reserve_ukwh <= ENERGY_UKWH_MAX, "It must be above 0 and at most 100000 kWh.")
    if terms.reserve_ppm is not None:
        _require("reserveShare", 1 <= terms.reserve_ppm <= WHOLE_PPM, "A share is above 0 and up to 1.")


def _require(name: str, holds: bool, reason: str) -> None:
    if not holds:
        raise InvalidValue(("terms", name), reason)


async def _check_count(session: AsyncSession, owner_id: UUID) -> None:
    """Raise TooManyRules; rules that one owner makes at the same time wait for each other."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"trading rules:{owner_id}", 0))))
    standing = (TradingRule.owner_id == owner_id, TradingRule.status != RuleStatus.ENDED)
    if (await session.execute(select(func.count()).where(*standing))).scalar_one() >= RULES_MAX:
        raise TooManyRules


async def _own(session: AsyncSession, viewer: Viewer, rule_id: UUID, expected_version: int) -> TradingRule:
    """One's own rule, held until commit."""
    require_scope(viewer, TRADE, "change trading rules with this key")
    rule = await session.get(TradingRule, rule_id, with_for_update=True, populate_existing=True)
    if rule is None or not (viewer.is_admin or rule.owner_id == viewer.user_id):
        raise NotFound("trading rule", rule_id)
    if rule.owner_id != viewer.user_id:
        raise NotAllowed("change another's trading rule")
    if rule.version != expected_version:
        raise StaleVersion(expected_version, rule.version)
    return rule


def _move(rule: TradingRule, following: RuleStatus) -> None:
    if following not in TRANSITIONS[rule.status]:
        raise RuleInOtherStatus(rule.id, rule.status, following)
    rule.status = following
    rule.version += 1


async def _stop(
    session: AsyncSession,
    viewer: Viewer,
    rule_id: UUID,
    following: RuleStatus,
    expected_version: int,
    now: datetime,
    *,
    cancel_orders: bool,
) -> None:
    rule = await _own(session, viewer, rule_id, expected_version)
    _move(rule, following)
    rule.next_run_at = None
    await session.flush()
    withdrawn = await _cancel_orders(session, viewer, rule_id, now) if cancel_orders else 0
    await _record(session, viewer, rule, ACTS[following], {"cancelled_orders": withdrawn})


ACTS = {RuleStatus.PAUSED: "pause", RuleStatus.ENDED: "end"}


async def _cancel_orders(session: AsyncSession, viewer: Viewer, rule_id: UUID, now: datetime) -> int:
    """Withdraw what the rule has open; gives how many orders that were."""
    of_rule = select(Order.id).where(Order.rule_id == rule_id, Order.closed_at.is_(None)).order_by(Order.id)
    ids = list(await session.scalars(of_rule.with_for_update()))
    for order_id in ids:
        await orders.cancel(session, viewer, order_id, now=now)
    return len(ids)


async def _record(session: AsyncSession, viewer: Viewer, rule: TradingRule, act: str, facts: dict[str, Any]) -> None:
    await entries.record(
        session,
        f"trading_rule.{act}",
        actor=viewer.key,
        subject=("TradingRule", rule.id),
        scope_id=rule.market_id,
        facts={"version": rule.version} | facts,
    )
