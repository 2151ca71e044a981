"""Orders: what becomes of them. `placing` places them by the rules of `validation`; here they end.

What is not filled when an interval begins is closed for that interval, and all of an order when its time runs out. What
was held for the closed part is available again in the same transaction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel.database import among
from domain.kernel.errors import DomainError, NotAllowed, NotFound
from domain.kernel.intervals import Period
from domain.kernel.sql import Statement
from domain.kernel.writing import Rows
from domain.market.orders import holds
from domain.market.orders.holds import Kept
from domain.market.orders.tables import Acceptance, Order, OrderFilling, OrderInterval, OrderStatus
from domain.market.places import changes
from domain.market.places.tables import EnergySource, OrderSide

# What may become of an order; the final statuses lead nowhere.
TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        OrderStatus.OPEN: frozenset(OrderStatus),
        OrderStatus.PARTIALLY_FILLED: frozenset(OrderStatus) - {OrderStatus.OPEN},
        OrderStatus.HALTED: frozenset(OrderStatus) - {OrderStatus.FILLED},
        OrderStatus.FILLED: frozenset(),
        OrderStatus.CANCELLED: frozenset(),
        OrderStatus.EXPIRED: frozenset(),
        OrderStatus.REJECTED: frozenset(),
    }
)
FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)


class OrderClosed(DomainError):
    """The order is filled, cancelled, expired or rejected."""

    def __init__(self, order_id: UUID, status: OrderStatus, closed_at: datetime) -> None:
        super().__init__(f"The order is already closed: {status.value.lower()}.")
        self.order_id = order_id
        self.status = status
        self.closed_at = closed_at


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order that someone wants to place; `energy_ukwh` applies to each delivery interval, or if FLEXIBLE to all.

    minimum_fill_ukwh: at least so much of it in a delivery interval, or nothing there; all of it is "all or none".
    replaces_id: the order whose rest this one takes the place of (`amending`).
    rule_id: the trading rule that places it.
    """

    market_id: UUID
    side: OrderSide
    energy_ukwh: int
    limit_price_ueur_per_kwh: int
    delivery: Period
    source: EnergySource | None = None
    accepts: Acceptance = Acceptance.ANY
    filling: OrderFilling = OrderFilling.PER_INTERVAL
    minimum_fill_ukwh: int = 0
    valid_until: datetime | None = None
    is_auctioned: bool = False
    replaces_id: UUID | None = None
    rule_id: UUID | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What was proposed, for digests and the audit log; what is as usual is left out."""
        unusual = {
            "accepts": None if self.accepts is Acceptance.ANY else self.accepts.value,
            "filling": None if self.filling is OrderFilling.PER_INTERVAL else self.filling.value,
            "minimum_fill_ukwh": self.minimum_fill_ukwh or None,
            "valid_until": self.valid_until and self.valid_until.isoformat(),
            "is_auctioned": self.is_auctioned or None,
            "replaces_id": self.replaces_id and str(self.replaces_id),
            "rule_id": self.rule_id and str(self.rule_id),
        }
        return self._usual | {name: value for name, value in unusual.items() if value is not None}

    @property
    def _usual(self) -> dict[str, Any]:
        return {
            "market_id": str(self.market_id),
            "side": self.side.value,
            "energy_ukwh": self.energy_ukwh,
            "limit_price_ueur_per_kwh": self.limit_price_ueur_per_kwh,
            "delivery": [self.delivery.start.isoformat(), self.delivery.end.isoformat()],
            "source": self.source.value if self.source else None,
        }


async def cancel(session: AsyncSession, viewer: Viewer, order_id: UUID, *, now: datetime) -> Order:
    """Withdraw what is open of one's own order; what was filled stays. Raises NotAllowed, NotFound, OrderClosed."""
    order = await own_open(session, viewer, order_id)
    await close(session, [order_id], OrderStatus.CANCELLED, actor=viewer.key, now=now)
    facts = {"filled_ukwh": order.filled_ukwh}
    subject = ("Order", order_id)
    await entries.record(
        session, "order.cancel", actor=viewer.key, subject=subject, scope_id=order.market_id, facts=facts
    )
    await changes.announce(session, order.market_id, Period(order.delivery_start, order.delivery_end))
    return order


async def own_open(session: AsyncSession, viewer: Viewer, order_id: UUID) -> Order:
    """One's own order, locked, if it is not closed. Raises NotAllowed, NotFound, OrderClosed."""
    require_scope(viewer, TRADE, "change orders with this key")
    order = await session.get(Order, order_id, with_for_update=True, populate_existing=True)
    if order is None or not (viewer.is_admin or order.owner_id == viewer.user_id):
        raise NotFound("order", order_id)
    if order.owner_id != viewer.user_id:
        raise NotAllowed("change another's order")
    if order.is_auctioned:
        raise NotAllowed("change the order of an auction; cancel the auction instead")
    if order.closed_at is not None:
        raise OrderClosed(order_id, order.status, order.closed_at)
    return order


class ClosedRow(NamedTuple):
    """An order that was closed: its status and hold before."""

    id: UUID
    owner_id: UUID
    was: str
    was_ueur: int


CLOSE = Statement("""
    WITH closed AS (
        UPDATE order_interval SET is_open = false WHERE order_id = ANY(CAST(:ids AS uuid[])) AND is_open)
    UPDATE market_order SET status = CAST(:status AS text), closed_at = CAST(:now AS timestamptz),
                            closed_reason = CAST(:reason AS text), held_ueur = 0
    FROM (SELECT id, held_ueur AS was_ueur, status AS was FROM market_order
          WHERE id = ANY(CAST(:ids AS uuid[]))) AS before
    WHERE market_order.id = before.id
    RETURNING market_order.id, owner_id, was, was_ueur
""").into(ClosedRow)


async def close(
    session: AsyncSession,
    order_ids: Sequence[UUID],
    status: OrderStatus,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """End what is open of locked open orders and release what is held for it; the caller records and announces it."""
    given = {"ids": list(order_ids), "status": status.value, "reason": reason, "now": now}
    rows = await CLOSE.rows(session, given)
    for row in rows:
        move(OrderStatus(row.was), status)
    await holds.release(session, [Kept(row.id, row.owner_id, row.was_ueur, 0) for row in rows], actor=actor, now=now)


async def expire_due(session: AsyncSession, market_ids: Collection[UUID], *, now: datetime) -> list[UUID]:
    """Close what is open of deliveries that have begun, and of orders whose time ran out; gives the ids, sorted."""
    begun = (OrderInterval.delivery_start <= now) | (Order.valid_until <= now)
    due = (
        select(OrderInterval.order_id)
        .join(Order, Order.id == OrderInterval.order_id)
        .where(among(OrderInterval.market_id, market_ids), OrderInterval.is_open, begun)
        .distinct()
    )
    locked = await lock(session, list(await session.scalars(due)))
    if not locked:
        return []
    which = (OrderInterval.order_id == Order.id, among(Order.id, locked), OrderInterval.is_open, begun)
    closed = update(OrderInterval).where(*which).values(is_open=False)
    pairs = closed.returning(OrderInterval.market_id, OrderInterval.order_id, OrderInterval.delivery_start)
    touched: dict[UUID, list[tuple[UUID, datetime]]] = {}
    for market_id, order_id, start in await session.execute(pairs, execution_options={"synchronize_session": False}):
        touched.setdefault(market_id, []).append((order_id, start))
    restated = await restate(session, locked, now=now)
    await holds.release(session, restated, actor="clock", now=now)
    for market_id, rows in sorted(touched.items()):
        facts = {"intervals": sorted([str(order_id), start.isoformat()] for order_id, start in rows)}
        subject = ("Market", market_id)
        await entries.record(session, "order.expire", actor="clock", subject=subject, scope_id=market_id, facts=facts)
    return locked


async def lock(session: AsyncSession, order_ids: Collection[UUID]) -> list[UUID]:
    """Hold orders until commit, in the order of their ids, so that two transactions never wait for each other."""
    chosen = select(Order.id).where(among(Order.id, order_ids)).order_by(Order.id).with_for_update(key_share=True)
    return list(await session.scalars(chosen))


class StatedRow(NamedTuple):
    """An order, what its intervals come to together, and what is to be held for what is open of them."""

    id: UUID
    owner_id: UUID
    status: str
    energy_ukwh: int
    filling: str
    held_ueur: int
    offered_ukwh: Decimal
    filled_ukwh: Decimal
    is_open: bool
    open_ueur: Decimal | None
    open_flexible_ueur: Decimal


class RestatedRow(NamedTuple):
    """What is stored of an order in line with its intervals."""

    id: UUID
    filled_ukwh: int
    status: OrderStatus
    held_ueur: int


STATED = Statement("""
    SELECT o.id, o.owner_id, o.status, o.energy_ukwh, o.filling, o.held_ueur,
           sum(i.energy_ukwh) AS offered_ukwh, sum(i.filled_ukwh) AS filled_ukwh, bool_or(i.is_open) AS is_open,
           sum(div((i.energy_ukwh - i.filled_ukwh)::numeric * o.exposure_ueur_per_kwh + 999999, 1000000))
               FILTER (WHERE i.is_open) AS open_ueur,
           div((o.energy_ukwh - sum(i.filled_ukwh)) * o.exposure_ueur_per_kwh + 999999, 1000000) AS open_flexible_ueur
    FROM market_order AS o JOIN order_interval AS i ON i.order_id = o.id
    WHERE o.id = ANY(CAST(:ids AS uuid[])) GROUP BY o.id ORDER BY o.id
""").into(StatedRow)


async def restate(session: AsyncSession, order_ids: Sequence[UUID], *, now: datetime) -> list[Kept]:
    """Bring fill, status and hold of locked orders in line with their intervals; gives what was and is held."""
    stated = await STATED.rows(session, {"ids": list(order_ids)})
    restated = [_in_line(row) for row in stated]
    await RESTATE.rows(session, RESTATED.values(restated) | {"now": now})
    return [
        Kept(was.id, was.owner_id, was.held_ueur, becomes.held_ueur)
        for was, becomes in zip(stated, restated, strict=True)
    ]


def _in_line(row: StatedRow) -> RestatedRow:
    is_flexible = row.filling == OrderFilling.FLEXIBLE.value
    energy, filled = int(row.energy_ukwh if is_flexible else row.offered_ukwh), int(row.filled_ukwh)
    status = _restated(OrderStatus(row.status), energy, filled, is_open=row.is_open)
    if status in FINAL:
        return RestatedRow(row.id, filled, status, 0)
    open_ueur = row.open_flexible_ueur if is_flexible else row.open_ueur
    assert open_ueur is not None, f"order {row.id} is {status} and nothing of it is open"
    return RestatedRow(row.id, filled, status, int(open_ueur))


def _restated(status: OrderStatus, energy_ukwh: int, filled_ukwh: int, *, is_open: bool) -> OrderStatus:
    following = status_of(energy_ukwh, filled_ukwh, is_open=is_open)
    if status is OrderStatus.HALTED and following not in FINAL:
        return status
    return move(status, following)


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


# A flexible order is full before its intervals are.
RESTATED = Rows("restated", RestatedRow, Order)
RESTATE = Statement(f"""
    WITH full_now AS (
        UPDATE order_interval SET is_open = false
        FROM {RESTATED.relation}
        WHERE order_interval.order_id = restated.id AND restated.status = 'FILLED' AND order_interval.is_open)
    UPDATE market_order SET
        filled_ukwh = restated.filled_ukwh,
        status = restated.status,
        held_ueur = restated.held_ueur,
        closed_at = CASE WHEN restated.status IN ('FILLED', 'EXPIRED') THEN CAST(:now AS timestamptz) END
    FROM {RESTATED.relation}
    WHERE market_order.id = restated.id
    RETURNING 1
""")  # noqa: S608 - made of constants.
