"""Orders: the rules they must follow, cancelling and expiring them; `placing` places them.

Gate closure is the start of delivery: an order must be placed before its first interval begins, and what is not
filled when an interval begins is closed for that interval.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, DateTime, Text, Uuid, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.intervals import Period
from domain.market import changes
from domain.market.tables import EnergySource, Order, OrderInterval, OrderSide, OrderStatus
from domain.quantities import LOT_UKWH, TICK_UEUR_PER_KWH

PRICE_UEUR_PER_KWH_MAX = 4_000_000  # Either way; the harmonised limit of the European day-ahead market, 4,000 EUR/MWh.
ENERGY_UKWH_MAX = 10**11  # 100 MWh in a delivery interval.

# What may become of an order; the final statuses lead nowhere.
TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        OrderStatus.OPEN: frozenset(OrderStatus),
        OrderStatus.PARTIALLY_FILLED: frozenset(OrderStatus) - {OrderStatus.OPEN},
        OrderStatus.FILLED: frozenset(),
        OrderStatus.CANCELLED: frozenset(),
        OrderStatus.EXPIRED: frozenset(),
    }
)
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class OffLot(DomainError):
    """The energy is no multiple of the lot."""

    def __init__(self, energy_ukwh: int) -> None:
        super().__init__("The energy must be a multiple of 0.001 kWh.")
        self.energy_ukwh = energy_ukwh
        self.lot_ukwh = LOT_UKWH


class OffTick(DomainError):
    """The limit price is no multiple of the tick."""

    def __init__(self, limit_price_ueur_per_kwh: int) -> None:
        super().__init__("The limit price must be a multiple of 0.0001 EUR/kWh.")
        self.limit_price_ueur_per_kwh = limit_price_ueur_per_kwh
        self.tick_ueur_per_kwh = TICK_UEUR_PER_KWH


class PriceOutOfBounds(DomainError):
    """The limit price is beyond what the market takes."""

    def __init__(self) -> None:
        super().__init__("The limit price must be -4 to 4 EUR/kWh.")
        self.lowest_ueur_per_kwh = -PRICE_UEUR_PER_KWH_MAX
        self.highest_ueur_per_kwh = PRICE_UEUR_PER_KWH_MAX


class EnergyOutOfBounds(DomainError):
    """The energy per delivery interval is nothing, or more than the market takes in one order."""

    def __init__(self) -> None:
        super().__init__("The energy must be 0.001 to 100000 kWh in each delivery interval.")
        self.lowest_ukwh = LOT_UKWH
        self.highest_ukwh = ENERGY_UKWH_MAX


class DeliveryMisaligned(DomainError):
    """The delivery does not begin and end with delivery intervals of the market."""

    def __init__(self, delivery_minutes: int) -> None:
        super().__init__(f"The delivery must begin and end on delivery intervals of {delivery_minutes} minutes, UTC.")
        self.delivery_minutes = delivery_minutes


class GateClosed(DomainError):
    """The delivery has begun, or begins at this moment."""

    def __init__(self, gate_closed_at: datetime) -> None:
        super().__init__(f"The gate for this delivery closed when it began, at {gate_closed_at:%Y-%m-%dT%H:%MZ}.")
        self.gate_closed_at = gate_closed_at


class BeyondHorizon(DomainError):
    """The delivery ends later than the market trades now."""

    def __init__(self, trades_until: datetime) -> None:
        super().__init__(f"The market now trades deliveries that end by {trades_until:%Y-%m-%dT%H:%MZ}.")
        self.trades_until = trades_until


class OrderClosed(DomainError):
    """The order is filled, cancelled or expired."""

    def __init__(self, order_id: UUID, status: OrderStatus, closed_at: datetime) -> None:
        super().__init__(f"The order is already closed: {status.value.lower()}.")
        self.order_id = order_id
        self.status = status
        self.closed_at = closed_at


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that someone wants to place; `energy_ukwh` applies to each delivery interval."""

    market_id: UUID
    side: OrderSide
    energy_ukwh: int
    limit_price_ueur_per_kwh: int
    delivery: Period
    source: EnergySource | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What was proposed, for digests and the audit log."""
        return {
            "market_id": str(self.market_id),
            "side": self.side.value,
            "energy_ukwh": self.energy_ukwh,
            "limit_price_ueur_per_kwh": self.limit_price_ueur_per_kwh,
            "delivery": [self.delivery.start.isoformat(), self.delivery.end.isoformat()],
            "source": self.source.value if self.source else None,
        }


@dataclass(frozen=True, slots=True)
class Terms:
    """What a market asks of the deliveries of its orders."""

    delivery_minutes: int
    horizon_hours: int


def gate_closes_at(delivery_start: datetime) -> datetime:
    """When trading of a delivery interval ends: at its start."""
    return delivery_start


def trades_until(terms: Terms, now: datetime) -> datetime:
    """The latest end of a delivery that a market trades now."""
    return now + timedelta(hours=terms.horizon_hours)


def _off_lot(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return OffLot(proposal.energy_ukwh) if proposal.energy_ukwh % LOT_UKWH else None


def _energy_out_of_bounds(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return None if LOT_UKWH <= proposal.energy_ukwh <= ENERGY_UKWH_MAX else EnergyOutOfBounds()


def _off_tick(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    price = proposal.limit_price_ueur_per_kwh
    return OffTick(price) if price % TICK_UEUR_PER_KWH else None


def _price_out_of_bounds(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    return PriceOutOfBounds() if abs(proposal.limit_price_ueur_per_kwh) > PRICE_UEUR_PER_KWH_MAX else None


def _misaligned(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    minutes = terms.delivery_minutes
    return None if proposal.delivery.is_aligned(minutes) else DeliveryMisaligned(minutes)


def _gate_closed(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    gate = gate_closes_at(proposal.delivery.start)
    return GateClosed(gate) if gate <= now else None


def _beyond_horizon(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    until = trades_until(terms, now)
    return BeyondHorizon(until) if proposal.delivery.end > until else None


def _source_of_buy(proposal: Proposal, terms: Terms, now: datetime) -> DomainError | None:
    if proposal.source is None or proposal.side is OrderSide.SELL:
        return None
    return InvalidValue(("source",), "A source can be named on sell orders only; buyers cannot prefer one yet.")


# Asked in this order; the first refusal counts.
RULES: tuple[Callable[[Proposal, Terms, datetime], DomainError | None], ...] = (
    _energy_out_of_bounds,
    _off_lot,
    _price_out_of_bounds,
    _off_tick,
    _source_of_buy,
    _misaligned,
    _gate_closed,
    _beyond_horizon,
)


def check(proposal: Proposal, terms: Terms, now: datetime) -> None:
    """Raise the first refusal among RULES, if there is one."""
    for rule in RULES:
        refused = rule(proposal, terms, now)
        if refused is not None:
            raise refused


async def cancel(session: AsyncSession, viewer: Viewer, order_id: UUID, *, now: datetime) -> None:
    """Withdraw what is open of one's own order; what was filled stays. Raises NotAllowed, NotFound, OrderClosed."""
    require_scope(viewer, TRADE, "cancel orders with this key")
    order = await session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or not (viewer.is_admin or order.owner_id == viewer.user_id):
        raise NotFound("order", order_id)
    if order.owner_id != viewer.user_id:
        raise NotAllowed("cancel another's order")
    if order.closed_at is not None:
        raise OrderClosed(order_id, order.status, order.closed_at)
    is_open = (OrderInterval.order_id == order_id, OrderInterval.is_open)
    await session.execute(update(OrderInterval).where(*is_open).values(is_open=False))
    move(order.status, OrderStatus.CANCELLED)
    order.status, order.closed_at = OrderStatus.CANCELLED, now
    await session.flush()
    await entries.record(
        session,
        "order.cancel",
        actor=viewer.key,
        subject=("Order", order_id),
        scope_id=order.market_id,
        facts={"filled_ukwh": order.filled_ukwh},
    )
    await changes.announce(session, order.market_id, Period(order.delivery_start, order.delivery_end))


async def expire_due(session: AsyncSession, market_ids: Collection[UUID], *, now: datetime) -> list[UUID]:
    """Close what is open of deliveries that have begun; gives the ids of the orders it touched, sorted."""
    due = (
        select(OrderInterval.order_id)
        .where(OrderInterval.market_id.in_(market_ids), OrderInterval.is_open, OrderInterval.delivery_start <= now)
        .distinct()
    )
    locked = await lock(session, list(await session.scalars(due)))
    if not locked:
        return []
    begun = (OrderInterval.order_id.in_(locked), OrderInterval.is_open, OrderInterval.delivery_start <= now)
    closed = update(OrderInterval).where(*begun).values(is_open=False)
    pairs = closed.returning(OrderInterval.market_id, OrderInterval.order_id, OrderInterval.delivery_start)
    touched: dict[UUID, list[Any]] = {}
    for market_id, order_id, start in await session.execute(pairs):
        touched.setdefault(market_id, []).append((order_id, start))
    await restate(session, locked, now=now)
    for market_id, rows in sorted(touched.items()):
        facts = {"intervals": sorted([str(order_id), start.isoformat()] for order_id, start in rows)}
        subject = ("Market", market_id)
        await entries.record(session, "order.expire", actor="clock", subject=subject, scope_id=market_id, facts=facts)
    return locked


async def lock(session: AsyncSession, order_ids: Collection[UUID]) -> list[UUID]:
    """Hold orders until commit, in the order of their ids, so that two transactions never wait for each other."""
    chosen = select(Order.id).where(Order.id.in_(order_ids)).order_by(Order.id).with_for_update(key_share=True)
    return list(await session.scalars(chosen))


async def restate(session: AsyncSession, order_ids: Sequence[UUID], *, now: datetime) -> None:
    """Bring fill and status of locked orders in line with their intervals."""
    intervals = (
        select(
            Order.id,
            Order.status,
            func.sum(OrderInterval.energy_ukwh),
            func.sum(OrderInterval.filled_ukwh),
            func.bool_or(OrderInterval.is_open),
        )
        .join(OrderInterval, OrderInterval.order_id == Order.id)
        .where(Order.id.in_(order_ids))
        .group_by(Order.id)
        .order_by(Order.id)
    )
    ids, filled, statuses = [], [], []
    for order_id, status, energy, fill, is_open in await session.execute(intervals):
        ids.append(order_id)
        filled.append(int(fill))
        statuses.append(move(status, status_of(int(energy), int(fill), is_open=is_open)))
    await session.execute(RESTATE, {"ids": ids, "filled": filled, "statuses": statuses, "now": now})


def status_of(energy_ukwh: int, filled_ukwh: int, *, is_open: bool) -> OrderStatus:
    """The status of an order that nobody cancelled, by the energy and fill of all its intervals together."""
    if filled_ukwh == energy_ukwh:
        return OrderStatus.FILLED
    if not is_open:
        return OrderStatus.EXPIRED
    return OrderStatus.PARTIALLY_FILLED if filled_ukwh else OrderStatus.OPEN


def move(status: OrderStatus, following: OrderStatus) -> OrderStatus:
    """The following status, which TRANSITIONS must allow."""
    assert following is status or following in TRANSITIONS[status], f"{status} never becomes {following}"
    return following


RESTATE = text("""
    UPDATE market_order SET
        filled_ukwh = restated.filled_ukwh,
        status = restated.status,
        closed_at = CASE WHEN restated.status IN ('FILLED', 'EXPIRED') THEN :now END
    FROM unnest(:ids, :filled, :statuses) AS restated (id, filled_ukwh, status)
    WHERE market_order.id = restated.id
""").bindparams(
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("filled", type_=ARRAY(BigInteger())),
    bindparam("statuses", type_=ARRAY(Text())),
    bindparam("now", type_=DateTime(timezone=True)),
)
