"""What the due rules of an owner have to decide: which deliveries, what is forecast, what is bound, what is kept.

A rule that is due looks at each delivery of its market that it has not decided on and that begins within its lookahead
(and ends within the market's horizon), a limited number at a time. Reserves are filled from local midnight on, so a
situation begins there, and rules cover a part of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import Uuid, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity.tables import User
from domain.kernel.database import among
from domain.kernel.intervals import day_start, floor_to
from domain.kernel.quantities import WHOLE_PPM
from domain.market.places.tables import OrderSide
from domain.market.rules import surplus
from domain.market.rules.surplus import Past
from domain.market.rules.tables import RuleKind, RuleStatus, TradingRule, Weekday
from domain.market.rules.words import TRADING_RULE
from domain.metering.clocks import day_number
from domain.metering.tables import Direction

OWNERS_TOGETHER = 10  # In one transaction.
PUT_OFF = timedelta(minutes=15)
# Why a rule is paused, as the rule says it.
STOPPED = {
    "ACCOUNT_DISABLED": "The account is disabled.",
    "NO_METERING_POINT": "No metering point takes part any more.",
}
INTERVALS_MAX = 24  # That a rule decides on in one transaction.
WEEKDAYS = tuple(Weekday)
SIDES = {RuleKind.SELL_SURPLUS_ABOVE: OrderSide.SELL, RuleKind.BUY_BELOW: OrderSide.BUY}


@dataclass(frozen=True, slots=True)
class Window:
    """The deliveries [begins, until) that a rule is to decide on now, perhaps none, and when it is due again."""

    begins: datetime
    until: datetime
    next_run_at: datetime


@dataclass(frozen=True, slots=True)
class ActingRule:
    """A rule that is to decide; `days` and `covers` are one per interval of its situation, `used_ukwh` is by day."""

    row: TradingRule
    window: Window
    days: tuple[int, ...]
    covers: tuple[bool, ...]
    used_ukwh: Mapping[int, int]

    @property
    def side(self) -> OrderSide:
        """What it places."""
        return SIDES[self.row.kind]


@dataclass(frozen=True, slots=True)
class ActingReserve:
    """What a reserve keeps of each local day."""

    energy_ukwh: int
    days: tuple[int, ...]
    covers: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Situation:
    """What the due rules of one owner are to decide: intervals from the first local midnight on, and what is known.

    Energies are micro-kWh, one per interval: what is forecast, and what orders have open or traded.
    """

    owner_id: UUID
    minutes: int
    starts: tuple[datetime, ...]
    rules: tuple[ActingRule, ...]
    reserves: tuple[ActingReserve, ...]
    injected_ukwh: tuple[int, ...]
    withdrawn_ukwh: tuple[int, ...]
    sold_ukwh: tuple[int, ...]
    bought_ukwh: tuple[int, ...]


async def take(session: AsyncSession, *, now: datetime, owners_max: int = OWNERS_TOGETHER) -> list[Situation] | None:
    """What the due rules of some owners are to decide; None when nothing is due. Their rules are held until commit.

    Rules whose owner is gone, or has no metering point any more, are paused instead.
    """
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("trading rules", 0))))
    owners = list(await session.scalars(DUE_OWNERS, {"now": now, "owners_max": owners_max}))
    if not owners:
        return None
    acting = select(TradingRule).where(among(TradingRule.owner_id, owners), TradingRule.status == RuleStatus.ACTIVE)
    held = acting.order_by(TradingRule.id).with_for_update().execution_options(populate_existing=True)
    rules = list(await session.scalars(held))
    tomorrow = now.astimezone(UTC).date() + timedelta(days=1)
    past = await surplus.read(await session.connection(), owners, surplus.first_day(now), tomorrow)
    standing = await _standing(session, rules, past)
    terms = {row.id: row for row in await session.execute(MARKETS, {"ids": [rule.market_id for rule in rules]})}
    grouped: dict[tuple[UUID, int], list[TradingRule]] = defaultdict(list)
    for rule in standing:
        if rule.next_run_at is not None and rule.next_run_at <= now:
            grouped[rule.owner_id, terms[rule.market_id].delivery_minutes].append(rule)
    found = []
    for (owner_id, minutes), due in sorted(grouped.items()):
        reserves = [r for r in standing if r.owner_id == owner_id and r.kind is RuleKind.KEEP_BATTERY_RESERVE]
        windows = {rule.id: _window(rule, minutes, terms[rule.market_id].horizon_hours, now) for rule in due}
        found.append(await _situation(session, owner_id, minutes, due, windows, reserves, past, now))
    return found


async def put_off(session: AsyncSession, *, now: datetime) -> None:
    """Let the rules of the owner who is due first wait for a while: something about them fails again and again."""
    owner_id = await session.scalar(DUE_OWNERS, {"now": now, "owners_max": 1})
    due = (TradingRule.owner_id == owner_id, TradingRule.status == RuleStatus.ACTIVE, TradingRule.next_run_at <= now)
    await session.execute(update(TradingRule).where(*due).values(next_run_at=now + PUT_OFF))


DUE_OWNERS = text("""
    SELECT owner_id FROM trading_rule WHERE status = 'ACTIVE' AND next_run_at <= :now
    GROUP BY owner_id ORDER BY min(next_run_at), owner_id LIMIT :owners_max
""")
MARKETS = text("SELECT id, delivery_minutes, horizon_hours FROM market WHERE id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(Uuid()))
)


async def _standing(session: AsyncSession, rules: Sequence[TradingRule], past: Past) -> list[TradingRule]:
    """Rules whose owners may trade; the others are paused."""
    owners = {rule.owner_id for rule in rules}
    disabled = set(await session.scalars(select(User.id).where(among(User.id, owners), User.disabled_at.is_not(None))))
    stopped = [
        (rule, "ACCOUNT_DISABLED" if rule.owner_id in disabled else "NO_METERING_POINT")
        for rule in rules
        if rule.owner_id in disabled or rule.owner_id not in past.owners
    ]
    for rule, reason in stopped:
        rule.status, rule.next_run_at, rule.stopped_reason = RuleStatus.PAUSED, None, STOPPED[reason]
        rule.version += 1
    await session.flush()
    acts = [
        Act(
            "trading_rule.stop",
            "clock",
            ("TradingRule", rule.id),
            rule.market_id,
            {"version": rule.version, "reason": rule.stopped_reason},
        )
        for rule, reason in stopped
    ]
    await entries.record_many(session, acts)
    await notices.tell(session, [_notice(rule, reason) for rule, reason in stopped])
    gone = {rule.id for rule, _ in stopped}
    return [rule for rule in rules if rule.id not in gone]


def _notice(rule: TradingRule, cause: str) -> NewNotice:
    facts = {"rule_id": rule.id, "market_id": rule.market_id, "event": "STOPPED"}
    return NewNotice(rule.owner_id, TRADING_RULE, facts | {"cause": cause, "reason": STOPPED[cause]})


def _window(rule: TradingRule, minutes: int, horizon_hours: int, now: datetime) -> Window:
    step, ahead, horizon = (
        timedelta(minutes=minutes),
        timedelta(hours=rule.lookahead_hours),
        timedelta(hours=horizon_hours),
    )
    first = floor_to(now, minutes) + step  # A delivery that begins now is closed.
    begins = first if rule.decided_until is None else max(first, floor_to(rule.decided_until, minutes))
    in_sight = min(floor_to(now + ahead, minutes) + step, floor_to(now + horizon, minutes))
    until = max(begins, min(in_sight, begins + INTERVALS_MAX * step))
    return Window(begins, until, max(now, until - ahead, until + step - horizon))


async def _situation(
    session: AsyncSession,
    owner_id: UUID,
    minutes: int,
    due: Sequence[TradingRule],
    windows: Mapping[UUID, Window],
    reserves: Sequence[TradingRule],
    past: Past,
    now: datetime,
) -> Situation:
    begins = min(_midnight(rule, windows[rule.id].begins) for rule in due)
    begins = min([begins, *(_midnight(rule, begins) for rule in reserves)])
    starts = _starts(floor_to(begins, minutes), max(window.until for window in windows.values()), minutes)
    connection = await session.connection()
    end = starts[-1] + timedelta(minutes=minutes) if starts else begins + timedelta(minutes=minutes)
    bound, of_rule = await surplus.bound_ukwh(connection, [owner_id], begins, end, minutes)
    made_at = [now] * len(starts)
    return Situation(
        owner_id=owner_id,
        minutes=minutes,
        starts=starts,
        rules=tuple(_acting(rule, starts, windows[rule.id], of_rule) for rule in due),
        reserves=tuple(acting_reserve(rule, starts, past) for rule in reserves),
        injected_ukwh=tuple(past.expected_ukwh(owner_id, Direction.INJECTED, starts, minutes, made_at)),
        withdrawn_ukwh=tuple(past.expected_ukwh(owner_id, Direction.WITHDRAWN, starts, minutes, made_at)),
        sold_ukwh=tuple(bound.get((owner_id, OrderSide.SELL, start), 0) for start in starts),
        bought_ukwh=tuple(bound.get((owner_id, OrderSide.BUY, start), 0) for start in starts),
    )


def _midnight(rule: TradingRule, instant: datetime) -> datetime:
    zone = ZoneInfo(rule.timezone)
    return day_start(instant.astimezone(zone).date(), zone)


def _starts(begins: datetime, ends: datetime, minutes: int) -> tuple[datetime, ...]:
    step = timedelta(minutes=minutes)
    return tuple(begins + number * step for number in range(max(0, (ends - begins) // step)))


def days_of(rule: TradingRule, starts: Iterable[datetime]) -> tuple[int, ...]:
    """The number of the local day in which each interval begins."""
    zone = ZoneInfo(rule.timezone)
    return tuple(day_number(start.astimezone(zone).date()) for start in starts)


def covers(rule: TradingRule, start: datetime) -> bool:
    """Whether a rule holds for a delivery that begins so, by its local clock and calendar."""
    local = start.astimezone(ZoneInfo(rule.timezone))
    return local.hour in rule.hours and WEEKDAYS[local.weekday()].value in rule.weekdays


def acting_reserve(rule: TradingRule, starts: Sequence[datetime], past: Past) -> ActingReserve:
    """A reserve over intervals: its energy, or its share of all storage of the owner, rounded down."""
    storage = past.storage_ukwh.get(rule.owner_id, 0)
    energy = rule.reserve_ukwh if rule.reserve_ppm is None else storage * rule.reserve_ppm // WHOLE_PPM
    assert energy is not None
    return ActingReserve(energy, days_of(rule, starts), tuple(covers(rule, start) for start in starts))


def _acting(
    rule: TradingRule,
    starts: Sequence[datetime],
    window: Window,
    of_rule: Mapping[tuple[UUID, datetime], int],
) -> ActingRule:
    days = days_of(rule, starts)
    used: dict[int, int] = defaultdict(int)
    for day, start in zip(days, starts, strict=True):
        used[day] += of_rule.get((rule.id, start), 0)
    wanted = tuple(window.begins <= start < window.until and covers(rule, start) for start in starts)
    return ActingRule(rule, window, days, wanted, used)
