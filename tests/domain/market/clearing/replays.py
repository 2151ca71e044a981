"""Books read back from their canonical text, so that a clearing can be repeated and its digest compared.

Solving is deterministic: the same book, cleared by the same version of the solver, has the same outcome.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from domain.market.clearing.book import Book, NetExport, OpenInterval
from domain.market.orders.tables import Acceptance, OrderFilling
from domain.market.places.markets import Coupling, Link, MarketInZone
from domain.market.places.tables import EnergySource, OrderSide, PricingRule


def parsed(text: bytes) -> Book:
    """The book of a canonical text, which has the same digest. What no outcome depends on, such as batches, is 0."""
    content = orjson.loads(text)
    coupling = Coupling(
        zone_ids=tuple(UUID(zone_id) for zone_id in content["zones"]),
        markets=tuple(_market(*row) for row in content["markets"]),
        links=tuple(_link(row) for row in content["links"]),
        halted_zone_ids=frozenset(UUID(zone_id) for zone_id in content["halted"]),
    )
    return Book(
        coupling=coupling,
        open=tuple(_open(row) for row in content["open"]),
        exported=tuple(_exported(row) for row in content["exported"]),
    )


def _market(market_id: str, zone_id: str, pricing: str, version: int) -> MarketInZone:
    return MarketInZone(UUID(market_id), UUID(zone_id), 0, 0, 0, PricingRule(pricing), version)


def _link(row: dict[str, Any]) -> Link:
    zones = {name: UUID(row[name]) for name in ("from_zone_id", "to_zone_id")}
    return Link(**row | zones)


def _open(row: dict[str, Any]) -> OpenInterval:
    return OpenInterval(
        **row
        | {name: UUID(row[name]) for name in ("order_id", "market_id", "owner_id")}
        | {
            "delivery_start": datetime.fromisoformat(row["delivery_start"]),
            "side": OrderSide(row["side"]),
            "source": row["source"] and EnergySource(row["source"]),
            "accepts": Acceptance(row["accepts"]),
            "filling": OrderFilling(row["filling"]),
        }
    )


def _exported(row: dict[str, Any]) -> NetExport:
    return NetExport(UUID(row["market_id"]), datetime.fromisoformat(row["delivery_start"]), row["energy_ukwh"])
