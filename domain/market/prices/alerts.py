"""Price alerts: who wants to hear of a price, and telling them when a tick crosses it.

A tick is beyond an alert's threshold where it reaches or passes it from the alert's side. It crosses where the tick
before it, of the same delivery interval, was not beyond, or where there was none. An alert that tells once is done
then; one that repeats tells of the next crossing after its cool-down, counted between the instants of the ticks.

Ticks come from the stream `market:<id>:prices`, cleared and indicative ones alike, in their order and each once:
`WatchedMarket` says how far they were compared, and moves in the transaction that leaves the notices. So however often
the relay looks, and whenever it dies, a crossing is told once. Whoever changes an alert holds the same row, so that no
tick is compared with two states of it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.audit.entries import Act
from domain.events import feed, notices
from domain.events.notices import NewNotice
from domain.events.tables import Event
from domain.identity.viewers import Viewer
from domain.kernel.database import among, new_id
from domain.kernel.errors import DomainError, InvalidValue, NotFound, StaleVersion
from domain.market.clearing import ticks as prices
from domain.market.clearing.ticks import Tick
from domain.market.places.tables import Market
from domain.market.prices import calendars
from domain.market.prices.tables import AlertDirection, PriceAlert, WatchedMarket, WatchedPrice
from domain.market.prices.words import PRICE_ALERT

ALERTS_MAX = 50
COOL_DOWN_MINUTES_MAX = 7 * 24 * 60
TICKS_AT_ONCE = 1_000
MARKETS_AT_ONCE = 20
ACTOR = "price-alerts"


class TooManyPriceAlerts(DomainError):
    """A user has a limited number of alerts."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"You have {limit} price alerts, and no more are possible: remove one first.")
        self.limit = limit


@dataclass(frozen=True, slots=True)
class Watch:
    """What an alert waits for. Without a cool-down it tells once."""

    threshold_ueur_per_kwh: int
    direction: AlertDirection
    cool_down_minutes: int | None = None

    def is_reached(self, price_ueur_per_kwh: int) -> bool:
        """Whether a price is at the threshold or beyond it."""
        if self.direction is AlertDirection.ABOVE:
            return price_ueur_per_kwh >= self.threshold_ueur_per_kwh
        return price_ueur_per_kwh <= self.threshold_ueur_per_kwh


@dataclass(frozen=True, slots=True)
class Step:
    """A tick, its number in the stream, when it was told, and the price of the tick before it, if there was one."""

    sequence: int
    told_at: datetime
    tick: Tick
    before_ueur_per_kwh: int | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert as the comparison needs it."""

    id: UUID
    owner_id: UUID
    watch: Watch
    after_sequence: int
    last_fired_at: datetime | None


def crossings(waiting: Waiting, steps: Iterable[Step]) -> list[Step]:
    """The ticks that an alert tells of, in their order."""
    told: list[Step] = []
    for step in steps:
        if step.sequence <= waiting.after_sequence or not _crosses(waiting.watch, step) or _is_cooling(waiting, step):
            continue
        told.append(step)
        if waiting.watch.cool_down_minutes is None:
            break
        waiting = replace(waiting, last_fired_at=step.told_at)
    return told


def _crosses(watch: Watch, step: Step) -> bool:
    was_reached = step.before_ueur_per_kwh is not None and watch.is_reached(step.before_ueur_per_kwh)
    return watch.is_reached(step.tick.price_ueur_per_kwh) and not was_reached


def _is_cooling(waiting: Waiting, step: Step) -> bool:
    minutes = waiting.watch.cool_down_minutes
    if minutes is None or waiting.last_fired_at is None:
        return False
    return step.told_at < waiting.last_fired_at + timedelta(minutes=minutes)


async def create(session: AsyncSession, viewer: Viewer, market_id: UUID, watch: Watch) -> UUID:
    """An alert of the viewer's for the ticks from now on. Raises NotFound, InvalidValue, TooManyPriceAlerts."""
    assert viewer.user_id is not None
    _check(watch)
    if await session.get(Market, market_id) is None:
        raise NotFound("market", market_id)
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"alerts:{viewer.user_id}", 0))))
    count = select(func.count()).select_from(PriceAlert).where(PriceAlert.owner_id == viewer.user_id)
    if (await session.execute(count)).scalar_one() >= ALERTS_MAX:
        raise TooManyPriceAlerts(ALERTS_MAX)
    alert_id = new_id()
    facts = _columns(watch) | {"after_sequence": await _hold(session, market_id)}
    row = {"id": alert_id, "owner_id": viewer.user_id, "market_id": market_id} | facts
    await session.execute(insert(PriceAlert).values(row))
    await _audit(session, viewer, "price_alert.create", alert_id, market_id, facts)
    return alert_id


async def change(
    session: AsyncSession, viewer: Viewer, alert_id: UUID, watch: Watch, *, is_active: bool, expected_version: int
) -> None:
    """Change what an alert waits for, from now on; one that has told can be made to wait again. A cool-down goes on.

    Raises NotFound, InvalidValue, StaleVersion.
    """
    _check(watch)
    alert = await _own(session, viewer, alert_id)
    sequence = await _hold(session, alert.market_id)
    await session.refresh(alert, with_for_update=True)
    if alert.version != expected_version:
        raise StaleVersion(expected_version, alert.version)
    facts = _columns(watch) | {"is_active": is_active, "after_sequence": sequence}
    changed = update(PriceAlert).where(PriceAlert.id == alert_id).values(version=alert.version + 1, **facts)
    await session.execute(changed)
    await _audit(session, viewer, "price_alert.change", alert_id, alert.market_id, facts)


async def remove(session: AsyncSession, viewer: Viewer, alert_id: UUID) -> None:
    """Forget an alert. Raises NotFound."""
    alert = await _own(session, viewer, alert_id)
    await _hold(session, alert.market_id)
    await session.execute(delete(PriceAlert).where(PriceAlert.id == alert_id))
    await _audit(session, viewer, "price_alert.remove", alert_id, alert.market_id, {})


def _check(watch: Watch) -> None:
    calendars.check_price(("threshold",), watch.threshold_ueur_per_kwh)
    minutes = watch.cool_down_minutes
    if minutes is not None and not 1 <= minutes <= COOL_DOWN_MINUTES_MAX:
        raise InvalidValue(("coolDownMinutes",), f"It must be 1 to {COOL_DOWN_MINUTES_MAX} minutes.")


async def _own(session: AsyncSession, viewer: Viewer, alert_id: UUID) -> PriceAlert:
    """An alert of the viewer's. Raises NotFound."""
    query = select(PriceAlert).where(PriceAlert.id == alert_id, PriceAlert.owner_id == viewer.user_id)
    alert = (await session.execute(query)).scalar_one_or_none()
    if alert is None:
        raise NotFound("price alert", alert_id)
    return alert


def _columns(watch: Watch) -> dict[str, Any]:
    return {
        "threshold_ueur_per_kwh": watch.threshold_ueur_per_kwh,
        "direction": watch.direction,
        "cool_down_minutes": watch.cool_down_minutes,
    }


async def _audit(
    session: AsyncSession, viewer: Viewer, act: str, alert_id: UUID, market_id: UUID, facts: dict[str, Any]
) -> None:
    subject = ("PriceAlert", alert_id)
    await entries.record(session, act, actor=viewer.key, subject=subject, scope_id=market_id, facts=facts)


async def _hold(session: AsyncSession, market_id: UUID) -> int:
    """Keep ticks of a market from being compared until the transaction ends; gives the number of the last tick."""
    await _begin(session, market_id)
    held = select(WatchedMarket.sequence).where(WatchedMarket.market_id == market_id).with_for_update()
    await session.execute(held)
    return await feed.last_sequence(session, prices.stream_of(market_id))


async def _begin(session: AsyncSession, market_id: UUID) -> None:
    """Watch a market from a little before its newest ticks on, so that their prices are known when the next come."""
    first = max(0, await feed.last_sequence(session, prices.stream_of(market_id)) - prices.REMEMBERED)
    begun = insert(WatchedMarket).values(market_id=market_id, sequence=first)
    await session.execute(begun.on_conflict_do_nothing(index_elements=[WatchedMarket.market_id]))


NEWS = text("""
    SELECT watched.market_id, watched.sequence FROM watched_market AS watched
    JOIN event_stream AS stream ON stream.stream = 'market\\:' || watched.market_id || '\\:prices'
    WHERE stream.sequence > watched.sequence
    ORDER BY watched.market_id LIMIT :limit FOR UPDATE OF watched SKIP LOCKED
""")


async def fire(session: AsyncSession, *, now: datetime) -> int:
    """Compare new ticks of watched markets with the alerts that wait, and tell; gives how many notices were left.

    A market is watched from its first alert on. What another relay is comparing is left to it.
    """
    news = (await session.execute(NEWS, {"limit": MARKETS_AT_ONCE})).all()
    return sum([await _fire(session, row.market_id, row.sequence, now) for row in news])


async def _fire(session: AsyncSession, market_id: UUID, sequence: int, now: datetime) -> int:
    events = await feed.after(session, prices.stream_of(market_id), sequence, TICKS_AT_ONCE)
    if not events:
        return 0
    steps = await _steps(session, market_id, events)
    told = [(waiting, crossings(waiting, steps)) for waiting in await _waiting(session, market_id, steps)]
    told = [(waiting, crossed) for waiting, crossed in told if crossed]
    await _note(session, market_id, told)
    await _remember(session, market_id, steps, now)
    moved = update(WatchedMarket).where(WatchedMarket.market_id == market_id).values(sequence=events[-1].sequence)
    await session.execute(moved)
    return sum(len(crossed) for _, crossed in told)


async def _steps(session: AsyncSession, market_id: UUID, events: Sequence[Event]) -> list[Step]:
    """Ticks in order, each with the price of the one before it for its delivery interval."""
    ticks = [(event, prices.tick_of(event.payload)) for event in events]
    starts = {tick.delivery_start for _, tick in ticks}
    known = select(WatchedPrice.delivery_start, WatchedPrice.price_ueur_per_kwh).where(
        WatchedPrice.market_id == market_id, among(WatchedPrice.delivery_start, starts)
    )
    last: dict[datetime, int] = {row.delivery_start: row.price_ueur_per_kwh for row in await session.execute(known)}
    steps = []
    for event, tick in ticks:
        steps.append(Step(event.sequence, event.created_at, tick, last.get(tick.delivery_start)))
        last[tick.delivery_start] = tick.price_ueur_per_kwh
    return steps


async def _waiting(session: AsyncSession, market_id: UUID, steps: Sequence[Step]) -> list[Waiting]:
    """Alerts that some of these ticks reach."""
    told = [step.tick.price_ueur_per_kwh for step in steps]
    threshold = PriceAlert.threshold_ueur_per_kwh
    is_above = (PriceAlert.direction == AlertDirection.ABOVE) & (threshold <= max(told))
    is_below = (PriceAlert.direction == AlertDirection.BELOW) & (threshold >= min(told))
    query = select(PriceAlert).where(PriceAlert.market_id == market_id, PriceAlert.is_active, is_above | is_below)
    found = await session.scalars(query.order_by(PriceAlert.id).execution_options(populate_existing=True))
    return [
        Waiting(
            alert.id,
            alert.owner_id,
            Watch(alert.threshold_ueur_per_kwh, alert.direction, alert.cool_down_minutes),
            alert.after_sequence,
            alert.last_fired_at,
        )
        for alert in found
    ]


async def _note(session: AsyncSession, market_id: UUID, told: Sequence[tuple[Waiting, Sequence[Step]]]) -> None:
    """Count what alerts told of, leave the notices, and write both down."""
    for waiting, crossed in told:
        changed = {
            "times_fired": PriceAlert.times_fired + len(crossed),
            "last_fired_at": crossed[-1].told_at,
            "is_active": waiting.watch.cool_down_minutes is not None,
        }
        await session.execute(update(PriceAlert).where(PriceAlert.id == waiting.id).values(changed))
    fires = [(waiting, step) for waiting, crossed in told for step in crossed]
    kind = PRICE_ALERT
    await notices.tell(session, [NewNotice(each.owner_id, kind, _facts(market_id, each, step)) for each, step in fires])
    acts = [
        Act("price_alert.fire", ACTOR, ("PriceAlert", waiting.id), market_id, {"sequence": step.sequence})
        for waiting, step in fires
    ]
    await entries.record_many(session, acts)


def _facts(market_id: UUID, waiting: Waiting, step: Step) -> dict[str, Any]:
    return {
        "alert_id": str(waiting.id),
        "market_id": str(market_id),
        "sequence": step.sequence,
        "told_at": step.told_at.isoformat(),
        "direction": waiting.watch.direction.value,
        "threshold_ueur_per_kwh": waiting.watch.threshold_ueur_per_kwh,
        **step.tick.payload,
    }


async def _remember(session: AsyncSession, market_id: UUID, steps: Collection[Step], now: datetime) -> None:
    """Keep the last price of each coming delivery interval, and forget those that have begun."""
    last = {step.tick.delivery_start: step.tick.price_ueur_per_kwh for step in steps}
    rows = [
        {"market_id": market_id, "delivery_start": start, "price_ueur_per_kwh": price}
        for start, price in sorted(last.items())
        if start > now
    ]
    if rows:
        kept = insert(WatchedPrice).values(rows)
        await session.execute(
            kept.on_conflict_do_update(
                index_elements=[WatchedPrice.market_id, WatchedPrice.delivery_start],
                set_={"price_ueur_per_kwh": kept.excluded.price_ueur_per_kwh},
            )
        )
    begun = delete(WatchedPrice).where(WatchedPrice.market_id == market_id, WatchedPrice.delivery_start <= now)
    await session.execute(begun)
