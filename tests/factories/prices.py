"""Price models, tariffs, clearings and trades of the past for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.database import new_id
from domain.kernel.quantities import WHOLE_PPM, parse_micro
from domain.market.clearing.tables import Clearing, Trade
from domain.market.orders.tables import Order
from domain.market.places.tables import Market, OrderSide
from domain.market.prices import models, tariffs
from domain.market.prices.calendars import Calendar
from domain.market.prices.model_prices import Model, Rate, Terms
from domain.market.prices.tables import GridDirection
from domain.market.view.market_view import first_id_at
from tests.factories.identity import a_user
from tests.factories.market import ADMIN

UTC_CALENDAR = Calendar("UTC")


def weights(ratio: int = 0, mid: int = 0, crossing: int = 0) -> dict[Rate, int]:
    """Weights of the rates in parts per million."""
    return {Rate.SUPPLY_DEMAND_RATIO: ratio, Rate.MID_MARKET_RATE: mid, Rate.CROSSING_VALUE: crossing}


def some_terms(**overrides: Any) -> Terms:
    """Terms of the mid-market rate alone, unless others are given."""
    facts: dict[str, Any] = {"weights_ppm": weights(mid=WHOLE_PPM)} | overrides
    return Terms(**facts)


async def a_price_model(session: AsyncSession, market_id: UUID, now: datetime | None = None, **terms: Any) -> Model:
    """A model of a market that holds from now on."""
    begins = now or datetime.now(UTC)
    given = some_terms(**terms)
    return await models.set_model(session, ADMIN, market_id=market_id, terms=given, valid_from=None, now=begins)


async def grid_prices(
    session: AsyncSession, market_id: UUID, taken: str, paid: str, now: datetime | None = None, **more: Any
) -> None:
    """What the grid takes and pays in the zone of a market from now on."""
    zone_id = (await session.execute(select(Market.zone_id).where(Market.id == market_id))).scalar_one()
    for direction, price in ((GridDirection.IMPORT, taken), (GridDirection.EXPORT, paid)):
        facts: dict[str, Any] = {"calendar": UTC_CALENDAR, "tiers": (), "valid_from": None} | more
        await tariffs.set_tariff(
            session,
            ADMIN,
            zone_id=zone_id,
            direction=direction,
            price_ueur_per_kwh=parse_micro(price),
            now=now or datetime.now(UTC),
            **facts,
        )


_batches = iter(range(1, 10**9))


async def a_clearing(
    session: AsyncSession, market_id: UUID, delivery_start: datetime, price: str, kwh: str = "1", **overrides: Any
) -> UUID:
    """A clearing as it is stored; made when `created_at` says, which its id tells too."""
    created_at = overrides.get("created_at", datetime.now(UTC))
    micro = parse_micro(price)
    facts: dict[str, Any] = {
        "id": _id_at(created_at),
        "market_id": market_id,
        "delivery_start": delivery_start,
        "batch": next(_batches),
        "price_ueur_per_kwh": micro,
        "price_low_ueur_per_kwh": micro,
        "price_high_ueur_per_kwh": micro,
        "bought_ukwh": parse_micro(kwh),
        "sold_ukwh": parse_micro(kwh),
        "welfare_ueur": 0,
        "orders_count": 2,
        "input_digest": "x",
        "created_at": created_at,
    } | overrides
    await session.execute(insert(Clearing).values(facts))
    made: UUID = facts["id"]
    return made


async def a_trade(
    session: AsyncSession, market_id: UUID, delivery_start: datetime, price: str, kwh: str = "1", **overrides: Any
) -> UUID:
    """A trade between two new users as it is stored, with its clearing and orders."""
    created_at = overrides.setdefault("created_at", datetime.now(UTC))
    ends = delivery_start + timedelta(minutes=15)
    clearing_id = await a_clearing(session, market_id, delivery_start, price, kwh, created_at=created_at)
    parties = [(await a_user(session)).id for _ in range(2)]
    orders = [new_id(), new_id()]
    for owner, order_id, side in zip(parties, orders, OrderSide, strict=True):
        window = {"delivery_start": delivery_start, "delivery_end": ends}
        terms = {"energy_ukwh": parse_micro(kwh), "limit_price_ueur_per_kwh": 0, "market_id": market_id}
        await session.execute(insert(Order).values(id=order_id, owner_id=owner, side=side, **terms, **window))
    facts: dict[str, Any] = {
        "id": _id_at(created_at),
        "market_id": market_id,
        "seller_market_id": market_id,
        "clearing_id": clearing_id,
        "delivery_start": delivery_start,
        "delivery_end": ends,
        "energy_ukwh": parse_micro(kwh),
        "price_ueur_per_kwh": parse_micro(price),
        "seller_price_ueur_per_kwh": parse_micro(price),
        "buy_order_id": orders[0],
        "sell_order_id": orders[1],
        "buyer_id": parties[0],
        "seller_id": parties[1],
    } | overrides
    await session.execute(insert(Trade).values(facts))
    made: UUID = facts["id"]
    return made


def _id_at(instant: datetime) -> UUID:
    """A fresh id of an instant."""
    return UUID(int=first_id_at(instant).int | (new_id().int & (2**62 - 1)))
