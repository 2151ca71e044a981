"""The order book against a plain model of it: place, amend, cancel, expire and clear leave both the same.

The model clears an interval of one zone by hand: buys from the dearest, sells from the cheapest, ties by arrival, until
they no longer meet; the price lies in the middle of all that balance it. Orders of one owner never meet because every
owner trades on one side. Money follows: what is held is what the open part may cost.
"""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select

from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError
from domain.kernel.quantities import MICRO, amount_ueur
from domain.ledger import accounts
from domain.ledger.transfers import InsufficientFunds
from domain.market.clearing import verification
from domain.market.orders import amending, orders, placing
from domain.market.orders.amending import Change
from domain.market.orders.orders import OrderClosed
from domain.market.orders.tables import Order, OrderInterval, OrderStatus
from domain.market.places.tables import OrderSide
from tests.domain.market.clearing.batches import clear
from tests.factories.market import BUY, QUARTER, SELL, a_delivery, a_market, a_proposal, a_trader, first_delivery, now
from tests.machines import DatabaseMachine, run_machine

FUNDS_UEUR = 2_000_000
INTERVALS = 3
WH = st.integers(1, 4_000)
TICKS = st.integers(-200, 4_000) | st.sampled_from([1_000, 1_500, 2_000])


@dataclass
class Known:
    """An order as the model knows it; energies in Wh by place of the interval, None where it is closed."""

    owner: int
    side: OrderSide
    limit_ticks: int
    energy_wh: int
    place: int
    left_wh: dict[int, int | None]
    filled_wh: dict[int, int]
    status: OrderStatus = OrderStatus.OPEN

    @property
    def is_open(self) -> bool:
        return self.status in (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)

    @property
    def exposure(self) -> int:
        ticks = self.limit_ticks if self.side is BUY else -self.limit_ticks
        return max(0, ticks * 100)

    @property
    def held_ueur(self) -> int:
        open_wh = [left for left in self.left_wh.values() if left] if self.is_open else []
        return sum(-(-wh * 1_000 * self.exposure // MICRO) for wh in open_wh)


class Model:
    """Orders in their order of arrival, and what every owner has available and in escrow."""

    def __init__(self, owners: int) -> None:
        self.orders: dict[UUID, Known] = {}
        self.available = [FUNDS_UEUR] * owners
        self.escrow = self.rounding = 0
        self.arrived = 0
        self.begun = 0  # Intervals whose delivery has begun.

    def place(self, id: UUID, known: Known) -> None:
        self.orders[id] = known
        self.available[known.owner] -= known.held_ueur

    def close(self, id: UUID, status: OrderStatus) -> None:
        known = self.orders[id]
        self.available[known.owner] += known.held_ueur
        known.status = status

    def expire(self, begun: int) -> None:
        self.begun = begun
        for known in self.orders.values():
            if known.is_open:
                before = known.held_ueur
                known.left_wh = {at: None if at < begun else left for at, left in known.left_wh.items()}
                if all(not left for left in known.left_wh.values()):
                    known.status = OrderStatus.EXPIRED
                self.available[known.owner] += before - known.held_ueur

    def clear(self) -> None:
        for at in range(self.begun, INTERVALS):
            fills, price = self._meet(at)
            for id, pieces in fills.items():
                self._fill(self.orders[id], at, pieces, price)

    def _meet(self, at: int) -> tuple[dict[UUID, list[int]], int]:
        """Pieces of energy by order, as pairs cut them, and the price in micro-EUR."""
        open_wh = {id: known.left_wh.get(at) or 0 for id, known in self.orders.items() if known.is_open}
        buys, sells = (
            sorted((id for id, wh in open_wh.items() if wh and self.orders[id].side is side), key=self._rank)
            for side in (BUY, SELL)
        )
        fills: dict[UUID, list[int]] = {}
        reached: list[UUID] = []
        while buys and sells and self.orders[buys[0]].limit_ticks >= self.orders[sells[0]].limit_ticks:
            energy = min(open_wh[buys[0]], open_wh[sells[0]])
            reached = [buys[0], sells[0]]
            for side in (buys, sells):
                id = side[0]
                open_wh[id] -= energy
                fills.setdefault(id, []).append(energy)
                if not open_wh[id]:
                    side.pop(0)
        if not reached:
            return {}, 0
        last_buy, last_sell = (self.orders[id].limit_ticks for id in reached)
        lowest = max([last_sell, *(self.orders[id].limit_ticks for id in buys[:1])])
        highest = min([last_buy, *(self.orders[id].limit_ticks for id in sells[:1])])
        return fills, 50 * (lowest + highest)

    def _rank(self, id: UUID) -> tuple[int, int]:
        known = self.orders[id]
        return (-known.limit_ticks if known.side is BUY else known.limit_ticks), known.place

    def _fill(self, known: Known, at: int, pieces: list[int], price: int) -> None:
        before, cost = known.held_ueur, 0
        for energy in pieces:
            amount = amount_ueur(energy * 1_000, price)
            cost += max(0, amount if known.side is BUY else amount_ueur(energy * 1_000, -price))
        left = known.left_wh[at]
        assert left is not None
        known.left_wh[at] = left - sum(pieces)
        known.filled_wh[at] += sum(pieces)
        is_full = sum(known.filled_wh.values()) == known.energy_wh * len(known.filled_wh)
        is_left = any(known.left_wh.values())
        known.status = (
            OrderStatus.FILLED if is_full else OrderStatus.PARTIALLY_FILLED if is_left else OrderStatus.EXPIRED
        )
        self.escrow += cost
        rest = before - known.held_ueur - cost
        if rest >= 0:
            self.available[known.owner] += rest
        else:
            self.rounding += rest


class Book(DatabaseMachine):
    """Two who buy and two who sell in one market."""

    async def _begin(self) -> None:
        self.market = await a_market(self.session)
        funds = f"{FUNDS_UEUR / MICRO}"
        self.owners: list[Viewer] = [await a_trader(self.session, funds) for _ in range(4)]
        self.model = Model(len(self.owners))

    async def _check(self) -> None:
        assert [breach async for breach in verification.breaches(self.session)] == []

    @property
    def now(self) -> Any:
        """Before all deliveries, or when the last of those that have begun began."""
        begun = self.model.begun
        return now() if begun == 0 else first_delivery() + QUARTER * (begun - 1) + timedelta(seconds=1)

    @rule(owner=st.integers(0, 3), ticks=TICKS, energy=WH, first=st.integers(0, 2), count=st.integers(1, 3))
    def place(self, owner: int, ticks: int, energy: int, first: int, count: int) -> None:
        first, last = max(first, self.model.begun), min(max(first, self.model.begun) + count, INTERVALS)
        if first >= last:
            return
        side = BUY if owner < 2 else SELL
        left: dict[int, int | None] = dict.fromkeys(range(first, last), energy)
        known = Known(owner, side, ticks, energy, self.model.arrived, left, dict.fromkeys(range(first, last), 0))
        proposal = a_proposal(
            self.market,
            side,
            f"{energy / 1000:.3f}",
            f"{ticks / 10_000:.4f}",
            delivery=a_delivery(first, last - first),
        )
        came = self.run(
            self._tried(placing.place(self.session, self.owners[owner], str(new_id()), proposal, now=self.now))
        )
        if known.held_ueur > self.model.available[owner]:
            assert isinstance(came, InsufficientFunds)
        else:
            self.model.arrived += 1
            self.model.place(came, known)

    async def _tried(self, act: Coroutine[Any, Any, Any]) -> Any:
        try:
            async with self.session.begin_nested():
                return await act
        except DomainError as refused:
            return refused

    @precondition(lambda self: self.model.orders)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(list(self.model.orders)))
        known = self.model.orders[id]
        came = self.run(self._tried(orders.cancel(self.session, self.owners[known.owner], id, now=self.now)))
        if known.is_open:
            self.model.close(id, OrderStatus.CANCELLED)
        else:
            assert isinstance(came, OrderClosed)

    @precondition(lambda self: any(known.is_open for known in self.model.orders.values()))
    @rule(data=st.data(), energy=WH)
    def amend(self, data: st.DataObject, energy: int) -> None:
        id = data.draw(st.sampled_from([id for id, known in self.model.orders.items() if known.is_open]))
        known, owner = self.model.orders[id], self.owners[self.model.orders[id].owner]
        change = Change(energy_ukwh=energy * 1_000)
        came = self.run(self._tried(amending.amend(self.session, owner, str(new_id()), id, change, now=self.now)))
        open_at = [at for at, left in known.left_wh.items() if left]
        span = range(min(open_at), max(open_at) + 1)
        left: dict[int, int | None] = dict.fromkeys(span, energy)
        is_less = energy <= min(known.left_wh[at] or 0 for at in open_at)
        place = known.place if is_less else self.model.arrived
        new = Known(known.owner, known.side, known.limit_ticks, energy, place, left, dict.fromkeys(span, 0))
        if new.held_ueur > self.model.available[known.owner] + known.held_ueur:
            assert isinstance(came, InsufficientFunds)
            return
        self.model.arrived += 1
        self.model.close(id, OrderStatus.CANCELLED)
        self.model.place(came, new)

    @rule()
    def clear(self) -> None:
        self.run(clear(self.session, self.market, now=self.now))
        self.model.clear()

    @precondition(lambda self: self.model.begun < INTERVALS)
    @rule()
    def begin_a_delivery(self) -> None:
        self.model.expire(self.model.begun + 1)
        self.run(orders.expire_due(self.session, [self.market], now=self.now))

    @invariant()
    def orders_and_money_are_those_of_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        stored = dict(self.run(self._stored()))
        assert stored == dict(self._expected())

    async def _stored(self) -> list[tuple[Any, Any]]:
        told: list[tuple[Any, Any]] = []
        query = select(Order.id, Order.status, Order.held_ueur).where(Order.market_id == self.market)
        for row in await self.session.execute(query):
            told.append((row.id, (row.status, row.held_ueur)))
        parts = select(OrderInterval).where(OrderInterval.market_id == self.market)
        for part in await self.session.scalars(parts, execution_options={"populate_existing": True}):
            at = (part.delivery_start - first_delivery()) // QUARTER
            told.append(((part.order_id, at), part.filled_ukwh // 1_000))
        held = await accounts.hold(self.session, [owner.user_id for owner in self.owners if owner.user_id])
        for number, owner in enumerate(self.owners):
            assert owner.user_id is not None
            told.append((number, held.wallets[owner.user_id].available_ueur))
        return told

    def _expected(self) -> Iterator[tuple[Any, Any]]:
        for id, known in self.model.orders.items():
            yield id, (known.status, known.held_ueur)
            for at, filled in known.filled_wh.items():
                yield (id, at), filled
        yield from enumerate(self.model.available)


def test_the_book_does_what_the_model_says(database_url: str) -> None:
    run_machine(Book, database_url, examples=25, steps=25)
