"""A request to place an order, and what is written of those found good: rows, intervals, and what is held for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from domain.identity.viewers import Viewer
from domain.kernel import idempotency
from domain.kernel.idempotency import Use
from domain.kernel.sql import Part
from domain.kernel.writing import Rows
from domain.ledger import transfers
from domain.ledger.tables import TransferKind
from domain.ledger.transfers import NewTransfer
from domain.market.orders.orders import Proposal
from domain.market.orders.tables import Acceptance, Order, OrderFilling
from domain.market.orders.validation import Terms
from domain.market.places.tables import EnergySource, OrderSide


@dataclass(frozen=True)
class Request:
    """What someone asks to have placed, once per key."""

    viewer: Viewer
    key: str
    proposal: Proposal

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is proposed, for the digest and the audit log."""
        return self.proposal.facts

    @cached_property
    def use(self) -> Use:
        """The use of the key for this proposal."""
        return Use(self.viewer.key, self.key, idempotency.digest({"act": "order.place"} | self.facts))


@dataclass(frozen=True, slots=True)
class Hold:
    """The most that a kWh of an order may cost its owner, and what is held for all of it."""

    exposure_ueur_per_kwh: int
    amount_ueur: int


class Wallet(NamedTuple):
    """An owner's accounts of what is available and what is held."""

    available_id: UUID
    held_id: UUID


@dataclass(frozen=True, slots=True)
class Placed:
    """A request that was found good, the id of its order, the terms of its market, and what is held for it of whom.

    `source` is where its energy comes from, said by the order or by the plants of its owner.
    """

    order_id: UUID
    request: Request
    terms: Terms
    hold: Hold
    wallet: Wallet | None
    source: EnergySource | None

    @property
    def facts(self) -> dict[str, Any]:
        """What is placed, for the audit log."""
        return self.request.facts | {"source": self.source and self.source.value}

    @property
    def market_id(self) -> UUID:
        """The market it was placed in."""
        return self.request.proposal.market_id


def holding(placed: Sequence[Placed], now: datetime) -> list[Part]:
    """Moves what orders may cost from what is available to what is held; nothing where they can cost nothing."""
    made = [_hold(each) for each in placed if each.hold.amount_ueur]
    return [transfers.posting(made, actor="market", now=now)] if made else []


def _hold(placed: Placed) -> NewTransfer:
    wallet, amount = placed.wallet, placed.hold.amount_ueur
    assert wallet is not None, f"order {placed.order_id} costs money that was not looked for"
    amounts = {wallet.available_id: -amount, wallet.held_id: amount}
    return NewTransfer(TransferKind.HOLD, f"order:{placed.order_id}", amounts, ("Order", placed.order_id))


class OrderRow(NamedTuple):
    """An order as it is stored when it is placed, and how long delivery intervals of its market are."""

    id: UUID
    market_id: UUID
    owner_id: UUID
    side: OrderSide
    energy_ukwh: int
    limit_price_ueur_per_kwh: int
    delivery_start: datetime
    delivery_end: datetime
    source: EnergySource | None
    accepts: Acceptance
    filling: OrderFilling
    minimum_fill_ukwh: int
    valid_until: datetime | None
    is_auctioned: bool
    replaces_id: UUID | None
    rule_id: UUID | None
    exposure_ueur_per_kwh: int
    held_ueur: int
    delivery_minutes: int


PROPOSED = Rows("market_proposed", OrderRow, Order, beside={"delivery_minutes": "int"})
PLACED = f"""
market_proposed AS (
    SELECT * FROM {PROPOSED.relation}),
market_placed AS (
    INSERT INTO market_order ({PROPOSED.columns})
    SELECT {PROPOSED.selected} FROM market_proposed),
market_offered AS (
    INSERT INTO order_interval (order_id, delivery_start, market_id, energy_ukwh)
    SELECT id, start, market_id, energy_ukwh
    FROM market_proposed, generate_series(delivery_start, delivery_end - make_interval(mins => delivery_minutes),
                                          make_interval(mins => delivery_minutes)) AS start)"""  # noqa: S608 - made of constants.


def ordering(placed: Sequence[Placed]) -> Part:
    """Stores orders, numbered in their order, and what they offer in each delivery interval."""
    return Part(PLACED, PROPOSED.values([_row(each) for each in placed]), "true AS is_placed")


def _row(placed: Placed) -> OrderRow:
    proposal, owner_id = placed.request.proposal, placed.request.viewer.user_id
    assert owner_id is not None
    return OrderRow(
        id=placed.order_id,
        market_id=proposal.market_id,
        owner_id=owner_id,
        side=proposal.side,
        energy_ukwh=proposal.energy_ukwh,
        limit_price_ueur_per_kwh=proposal.limit_price_ueur_per_kwh,
        delivery_start=proposal.delivery.start,
        delivery_end=proposal.delivery.end,
        source=placed.source,
        accepts=proposal.accepts,
        filling=proposal.filling,
        minimum_fill_ukwh=proposal.minimum_fill_ukwh,
        valid_until=proposal.valid_until,
        is_auctioned=proposal.is_auctioned,
        replaces_id=proposal.replaces_id,
        rule_id=proposal.rule_id,
        exposure_ueur_per_kwh=placed.hold.exposure_ueur_per_kwh,
        held_ueur=placed.hold.amount_ueur,
        delivery_minutes=placed.terms.delivery_minutes,
    )
