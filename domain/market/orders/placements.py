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
from domain.ledger import transfers
from domain.ledger.tables import TransferKind
from domain.ledger.transfers import NewTransfer
from domain.market.orders.orders import Proposal
from domain.market.orders.validation import Terms


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
    """A request that was found good, the id of its order, the terms of its market and what is held for it."""

    order_id: UUID
    request: Request
    terms: Terms
    hold: Hold
    wallet: Wallet

    @property
    def market_id(self) -> UUID:
        """The market it was placed in."""
        return self.request.proposal.market_id


def holding(placed: Sequence[Placed], now: datetime) -> list[Part]:
    """Moves what orders may cost from what is available to what is held; nothing where they can cost nothing."""
    made = [
        NewTransfer(
            TransferKind.HOLD,
            f"order:{each.order_id}",
            {each.wallet.available_id: -each.hold.amount_ueur, each.wallet.held_id: each.hold.amount_ueur},
            ("Order", each.order_id),
        )
        for each in placed
        if each.hold.amount_ueur
    ]
    return [transfers.posting(made, actor="market", now=now)] if made else []


PLACED = """
market_proposed AS (
    SELECT * FROM unnest(
        CAST(:market_order_ids AS uuid[]), CAST(:market_ids AS uuid[]), CAST(:market_owner_ids AS uuid[]),
        CAST(:market_sides AS text[]), CAST(:market_energy AS bigint[]), CAST(:market_limit_prices AS bigint[]),
        CAST(:market_starts AS timestamptz[]), CAST(:market_ends AS timestamptz[]), CAST(:market_sources AS text[]),
        CAST(:market_accepts AS text[]), CAST(:market_fillings AS text[]), CAST(:market_minimum_fills AS bigint[]),
        CAST(:market_valid_until AS timestamptz[]), CAST(:market_auctioned AS bool[]),
        CAST(:market_replaces AS uuid[]), CAST(:market_rules AS uuid[]),
        CAST(:market_exposures AS bigint[]), CAST(:market_holds AS bigint[]), CAST(:market_delivery_minutes AS int[]))
    AS proposed (id, market_id, owner_id, side, energy, limit_price, delivery_start, delivery_end, source,
                 accepts, filling, minimum_fill, valid_until, is_auctioned, replaces_id, rule_id, exposure, held,
                 minutes)),
market_placed AS (
    INSERT INTO market_order (id, market_id, owner_id, side, energy_ukwh, limit_price_ueur_per_kwh,
                              delivery_start, delivery_end, source, accepts, filling, minimum_fill_ukwh, valid_until,
                              is_auctioned, replaces_id, rule_id, exposure_ueur_per_kwh, held_ueur)
    SELECT id, market_id, owner_id, side, energy, limit_price, delivery_start, delivery_end, source, accepts, filling,
           minimum_fill, valid_until, is_auctioned, replaces_id, rule_id, exposure, held
    FROM market_proposed),
market_offered AS (
    INSERT INTO order_interval (order_id, delivery_start, market_id, energy_ukwh)
    SELECT id, start, market_id, energy
    FROM market_proposed, generate_series(delivery_start, delivery_end - make_interval(mins => minutes),
                                          make_interval(mins => minutes)) AS start)"""


def ordering(placed: Sequence[Placed]) -> Part:
    """Stores orders, numbered in their order, and what they offer in each delivery interval."""
    proposals = [each.request.proposal for each in placed]
    values = {
        "market_order_ids": [each.order_id for each in placed],
        "market_ids": [each.market_id for each in placed],
        "market_owner_ids": [each.request.viewer.user_id for each in placed],
        "market_sides": [proposal.side.value for proposal in proposals],
        "market_energy": [proposal.energy_ukwh for proposal in proposals],
        "market_limit_prices": [proposal.limit_price_ueur_per_kwh for proposal in proposals],
        "market_starts": [proposal.delivery.start for proposal in proposals],
        "market_ends": [proposal.delivery.end for proposal in proposals],
        "market_sources": [proposal.source and proposal.source.value for proposal in proposals],
        "market_accepts": [proposal.accepts.value for proposal in proposals],
        "market_fillings": [proposal.filling.value for proposal in proposals],
        "market_minimum_fills": [proposal.minimum_fill_ukwh for proposal in proposals],
        "market_valid_until": [proposal.valid_until for proposal in proposals],
        "market_auctioned": [proposal.is_auctioned for proposal in proposals],
        "market_replaces": [proposal.replaces_id for proposal in proposals],
        "market_rules": [proposal.rule_id for proposal in proposals],
        "market_exposures": [each.hold.exposure_ueur_per_kwh for each in placed],
        "market_holds": [each.hold.amount_ueur for each in placed],
        "market_delivery_minutes": [each.terms.delivery_minutes for each in placed],
    }
    return Part(PLACED, values, "true AS is_placed")
