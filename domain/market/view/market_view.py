"""What a market looks like now, read for many markets at once; `figures` says what each figure is.

A day of trades is found by their ids, which tell when they were made (UUID version 7), so the index that serves the
market's list of trades serves this too.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    DateTime,
    Numeric,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.kernel.database import among
from domain.market.clearing import book
from domain.market.orders.tables import OrderInterval
from domain.market.places.tables import EnergySource, OrderSide
from domain.market.prices import forecasts
from domain.market.prices import tariffs as grid_tariffs
from domain.market.prices.forecasts import Forecast
from domain.market.prices.tables import GridDirection
from domain.market.prices.tariffs import Tariff
from domain.market.view.figures import Balance, Hour, Price, View, band_ueur_per_kwh

DAY = timedelta(hours=24)
AHEAD = timedelta(hours=4)
CLOCKS_DIFFER = timedelta(minutes=5)  # Between the instants of an id and of its transaction, at most.
FRESH = timedelta(hours=2)  # A forecast that is older says nothing of now.
RENEWABLE = (EnergySource.SOLAR, EnergySource.WIND, EnergySource.HYDRO, EnergySource.BIOMASS)


def first_id_at(instant: datetime) -> UUID:
    """The lowest UUID version 7 of an instant's millisecond: ids made since then are no lower."""
    return UUID(int=(int(instant.timestamp() * 1_000) << 80) | (7 << 76) | (2 << 62))


IDS = bindparam("market_ids", type_=ARRAY(Uuid()))
NOW = bindparam("now", type_=DateTime(timezone=True))
SINCE = (
    bindparam("first_id", type_=Uuid()),
    bindparam("since", type_=DateTime(timezone=True)),
)
MARKETS = text("""
    SELECT market.id, zone_id, last_price_ueur_per_kwh, front.delivery_start, front.price_ueur_per_kwh
    FROM market LEFT JOIN LATERAL (
        SELECT delivery_start, price_ueur_per_kwh FROM clearing
        WHERE market_id = market.id AND delivery_start > :now - make_interval(mins => delivery_minutes)
        ORDER BY delivery_start, batch DESC LIMIT 1) AS front ON true
    WHERE market.id = ANY(:market_ids)
""").bindparams(IDS, NOW)
HOURS = text("""
    SELECT market_id, floor(extract(epoch FROM :now - created_at) / 3600)::int AS hours_ago,
           sum(energy_ukwh) AS energy, sum(energy_ukwh::numeric * price) AS paid,
           min(price) AS lowest, max(price) AS highest,
           coalesce(sum(energy_ukwh) FILTER (WHERE delivery_start > :now), 0) AS coming,
           coalesce(sum(energy_ukwh) FILTER (WHERE delivery_start > :now AND source = ANY(:renewable)), 0) AS renewable
    FROM (SELECT market_id, created_at, delivery_start, source, energy_ukwh, price_ueur_per_kwh AS price
          FROM trade WHERE market_id = ANY(:market_ids) AND id >= :first_id
          UNION ALL
          SELECT seller_market_id, created_at, delivery_start, source, energy_ukwh, seller_price_ueur_per_kwh
          FROM trade WHERE seller_market_id = ANY(:market_ids) AND seller_market_id <> market_id AND id >= :first_id
         ) AS of_day
    WHERE created_at > :since AND created_at <= :now
    GROUP BY market_id, hours_ago ORDER BY market_id, hours_ago
""").bindparams(IDS, NOW, *SINCE, bindparam("renewable", type_=ARRAY(Text())))
WELFARE = text("""
    SELECT market_id, sum(coalesce((parameters ->> 'objective_ueur')::bigint, welfare_ueur)) AS welfare,
           sum(bound_ueur) AS bound FROM clearing
    WHERE market_id = ANY(:market_ids) AND id >= :first_id AND created_at > :since AND created_at <= :now
      AND bound_ueur IS NOT NULL
    GROUP BY market_id
""").bindparams(IDS, NOW, *SINCE)


async def views(connection: AsyncConnection, market_ids: Collection[UUID], *, now: datetime) -> dict[UUID, View]:
    """Markets as they look now, in as many statements for many as for one."""
    ids = list(market_ids)
    rows = {row.id: row for row in await connection.execute(MARKETS, {"market_ids": ids, "now": now})}
    price = {id: _price(row) for id, row in rows.items()}
    day = {"market_ids": ids, "now": now, "since": now - DAY, "first_id": first_id_at(now - DAY - CLOCKS_DIFFER)}
    hours = await _hours(connection, day)
    welfare = {row.market_id: row for row in await connection.execute(WELFARE, day)}
    balances = await _balances(connection, price, now)
    tariffs = await grid_tariffs.holding(connection, {row.zone_id for row in rows.values()}, now, now)
    forecast = await forecasts.latest(connection, ids, now)
    return {
        id: View(
            price=price[id],
            hours=tuple(hours.get(id, ())),
            import_ueur_per_kwh=_grid(tariffs, row.zone_id, GridDirection.IMPORT, now),
            export_ueur_per_kwh=_grid(tariffs, row.zone_id, GridDirection.EXPORT, now),
            balance=tuple(balances.get(id, ())),
            welfare_ueur=int(welfare[id].welfare) if id in welfare else 0,
            bound_ueur=int(welfare[id].bound) if id in welfare else 0,
            forecast_mean_ueur_per_kwh=_mean(forecast.get(id), now),
        )
        for id, row in rows.items()
    }


def _price(row: Any) -> Price | None:
    if row.price_ueur_per_kwh is not None:
        return Price(row.price_ueur_per_kwh, row.delivery_start)
    return None if row.last_price_ueur_per_kwh is None else Price(row.last_price_ueur_per_kwh, None)


def _grid(tariffs: Sequence[Tariff], zone_id: UUID, direction: GridDirection, now: datetime) -> int | None:
    return grid_tariffs.price_at(tariffs, zone_id, direction, now)


def _mean(forecast: Forecast | None, now: datetime) -> int | None:
    is_fresh = forecast is not None and forecast.made_at > now - FRESH
    return forecast.mean_ueur_per_kwh(AHEAD) if forecast is not None and is_fresh else None


async def _hours(connection: AsyncConnection, day: Mapping[str, Any]) -> dict[UUID, list[Hour]]:
    found: dict[UUID, list[Hour]] = {}
    renewable = {"renewable": [source.value for source in RENEWABLE]}
    for row in await connection.execute(HOURS, dict(day) | renewable):
        sums = (int(value) for value in (row.energy, row.paid, row.lowest, row.highest, row.coming, row.renewable))
        found.setdefault(row.market_id, []).append(Hour(row.hours_ago, *sums))
    return found


async def _balances(
    connection: AsyncConnection, price: Mapping[UUID, Price | None], now: datetime
) -> dict[UUID, list[Balance]]:
    """The open energy of the coming hours, per delivery; nothing is near where there is no price."""
    bounds = {id: _near(each) for id, each in price.items()}
    sides: dict[tuple[UUID, datetime], dict[OrderSide, tuple[int, int]]] = {}
    for row in await connection.execute(open_near(bounds, now)):
        cell = sides.setdefault((row.market_id, row.delivery_start), {})
        cell[row.side] = int(row.energy), int(row.near)
    found: dict[UUID, list[Balance]] = {}
    for (market_id, start), side in sides.items():
        demand, supply = side.get(OrderSide.BUY, (0, 0)), side.get(OrderSide.SELL, (0, 0))
        found.setdefault(market_id, []).append(Balance(start, demand[0], supply[0], demand[1], supply[1]))
    return found


def open_near(bounds: Mapping[UUID, tuple[int | None, int | None]], now: datetime) -> Select[Any]:
    """Open energy by market, delivery and side, and how much of it lies within the market's bounds."""
    start = OrderInterval.delivery_start
    here = among(OrderInterval.market_id, list(bounds)), start > now, start <= now + AHEAD
    level = book.open_levels().where(*here).subquery()
    columns = column("market_id", Uuid()), column("lowest", Numeric()), column("highest", Numeric())
    arrays = (literal([each[n] for each in bounds.values()], ARRAY(Numeric())) for n in range(2))
    near = func.unnest(literal(list(bounds), ARRAY(Uuid())), *arrays).table_valued(*columns).render_derived("near")
    within = case(
        (level.c.side == OrderSide.BUY, level.c.price >= near.c.lowest), else_=level.c.price <= near.c.highest
    )
    cell = level.c.market_id, level.c.delivery_start, level.c.side
    energy = func.sum(level.c.energy)
    return (
        select(*cell, energy.label("energy"), func.coalesce(energy.filter(within), 0).label("near"))
        .join_from(level, near, near.c.market_id == level.c.market_id)
        .group_by(*cell)
        .order_by(level.c.market_id, level.c.delivery_start)
    )


def _near(price: Price | None) -> tuple[int | None, int | None]:
    if price is None:
        return None, None
    band = band_ueur_per_kwh(price.price_ueur_per_kwh)
    return price.price_ueur_per_kwh - band, price.price_ueur_per_kwh + band
