"""Zones named by letters, made and linked in some order, orders in them, and what their owners are told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.quantities import parse_micro
from domain.market.clearing import explanations
from domain.market.clearing.explanations import FillReason
from domain.market.orders.tables import Order
from domain.market.places import markets
from tests.factories.market import ADMIN, a_market, a_trader, a_zone, an_order

Placed = tuple[str, Any, str, str]  # Zone, side, kWh and EUR/kWh.


async def zones(session: AsyncSession, made: str, *ways: str, kwh: str = "0.003", cost: str = "0") -> dict[str, UUID]:
    """Markets of zones named by letters, made in this order, and links from letter to letter, likewise."""
    zone = {name: await a_zone(session) for name in made}
    market = {name: await a_market(session, zone[name]) for name in made}
    for start, end in map(tuple, ways):
        terms = {"capacity_ukwh": parse_micro(kwh), "cost_ueur_per_kwh": parse_micro(cost)}
        await markets.link_zones(session, ADMIN, from_zone_id=zone[start], to_zone_id=zone[end], **terms)
    return market


async def placed(session: AsyncSession, market: dict[str, UUID], *rows: Placed, **terms: Any) -> list[UUID]:
    return [
        await an_order(session, await a_trader(session), market[zone], side, kwh, price, **terms)
        for zone, side, kwh, price in rows
    ]


async def told(session: AsyncSession, order_ids: Sequence[UUID]) -> list[tuple[int, FillReason]]:
    """What is filled of each order, Wh, and why."""
    filled = {order.id: order.filled_ukwh // 1_000 for order in await session.scalars(select(Order))}
    found = await explanations.standings(await session.connection(), order_ids)
    return [(filled[each], standing.reason) for each in order_ids for standing in found[each]]
