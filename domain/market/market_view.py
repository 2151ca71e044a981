"""What a market looks like now: price and trend, the grid beside it, its book, its last day, and signals.

Figures, each of the energy alone, without charges and taxes:
    price        the last one cleared for the earliest delivery that has not ended; the market's last price without one
    trend        VWAP of the last hour less that of the hour before; STEADY within 1 % of the latter
    savings      the grid's import price less the price; earnings: the price less the grid's export price
    balance      energy open to be bought and sold for each delivery of the coming four hours, and supply / demand
    day          trades of the last 24 h with a side in the market, each at the price of that side: energy, VWAP
                 (sum of energy x price / sum of energy), highest and lowest price
    volatility   standard deviation (of the population) of the hourly VWAPs of these 24 h; from two hours on
    liquidity    of the open energy of the coming four hours, what is within 5 % of the price, 0.005 EUR/kWh at least:
                 buys no lower and sells no higher
    efficiency   welfare reached / welfare possible, over the clearings of the last 24 h that state the latter; both of
                 all markets that are linked with it, since a market's own surplus has no bound of its own
    signals      see `SIGNAL_RULES`
Prices and amounts are exact; VWAPs and means are rounded half-even once.

A day of trades is found by their ids, which tell when they were made (UUID version 7), so the index that serves the
market's list of trades serves this too.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import isqrt
from types import MappingProxyType
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

from domain.market import book, forecasts, grid_tariffs
from domain.market.forecasts import Forecast
from domain.market.grid_tariffs import Tariff
from domain.market.price_tables import GridDirection
from domain.market.tables import EnergySource, OrderInterval, OrderSide
from domain.quantities import WHOLE_PPM, round_half_even

DAY = timedelta(hours=24)
AHEAD = timedelta(hours=4)
CLOCKS_DIFFER = timedelta(minutes=5)  # Between the clock that ids are made by and the database's, at most.
FRESH = timedelta(hours=2)  # A forecast that is older says nothing of now.
STEADY = Fraction(1, 100)
NEAR = Fraction(5, 100)
NEAR_UEUR_PER_KWH_MIN = 5_000
MARGIN = Fraction(10, 100)
HIGH_SHARE = Fraction(1, 2)
RENEWABLE = (EnergySource.SOLAR, EnergySource.WIND, EnergySource.HYDRO, EnergySource.BIOMASS)


class Trend(StrEnum):
    """Where a price goes."""

    RISING = "RISING"
    STEADY = "STEADY"
    FALLING = "FALLING"


class SignalKind(StrEnum):
    """What a signal says."""

    GOOD_TIME_TO_BUY = "GOOD_TIME_TO_BUY"
    GOOD_TIME_TO_SELL = "GOOD_TIME_TO_SELL"
    HIGH_RENEWABLES = "HIGH_RENEWABLES"


class FactKind(StrEnum):
    """What a fact behind a signal is."""

    PRICE = "PRICE"
    FORECAST_MEAN = "FORECAST_MEAN"
    DAY_VWAP = "DAY_VWAP"
    THRESHOLD = "THRESHOLD"
    RENEWABLE_SHARE = "RENEWABLE_SHARE"


SIGNAL_RULES: Mapping[SignalKind, str] = MappingProxyType(
    {
        SignalKind.GOOD_TIME_TO_BUY: "The price is at least 10 % below the mean forecast for the next four hours, or "
        "below the VWAP of the last 24 h where no forecast is younger than two hours.",
        SignalKind.GOOD_TIME_TO_SELL: "The price is at least 10 % above the mean forecast for the next four hours, or "
        "above the VWAP of the last 24 h where no forecast is younger than two hours.",
        SignalKind.HIGH_RENEWABLES: "Of the energy traded in the last 24 h for deliveries to come, at least half is "
        "solar, wind, hydro or biomass.",
    }
)


@dataclass(frozen=True, slots=True)
class Hour:
    """Trades of an hour: 0 is the one up to now. What was paid is micro-EUR/kWh x micro-kWh."""

    hours_ago: int
    energy_ukwh: int
    paid: int
    lowest_ueur_per_kwh: int
    highest_ueur_per_kwh: int
    coming_ukwh: int
    coming_renewable_ukwh: int


@dataclass(frozen=True, slots=True)
class Price:
    """The price of now; no delivery where it is the market's last price and its delivery has ended."""

    price_ueur_per_kwh: int
    delivery_start: datetime | None


@dataclass(frozen=True, slots=True)
class Balance:
    """Energy open for a delivery, and how much of it is near the price."""

    delivery_start: datetime
    demand_ukwh: int
    supply_ukwh: int
    near_demand_ukwh: int
    near_supply_ukwh: int

    @property
    def ratio_ppm(self) -> int | None:
        """Supply / demand, parts per million; None without demand."""
        return round_half_even(self.supply_ukwh * WHOLE_PPM, self.demand_ukwh) if self.demand_ukwh else None


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure behind a signal: micro-EUR/kWh, or parts per million."""

    kind: FactKind
    value: int


@dataclass(frozen=True, slots=True)
class Signal:
    """Something worth acting on, and the figures that made it."""

    kind: SignalKind
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class View:
    """What a market looks like; figures are None where nothing was traded to make them of."""

    price: Price | None
    hours: tuple[Hour, ...]
    import_ueur_per_kwh: int | None
    export_ueur_per_kwh: int | None
    balance: tuple[Balance, ...]
    welfare_ueur: int
    bound_ueur: int
    forecast_mean_ueur_per_kwh: int | None

    @property
    def volume_ukwh(self) -> int:
        """Energy traded in the last 24 h."""
        return sum(hour.energy_ukwh for hour in self.hours)

    @property
    def vwap_ueur_per_kwh(self) -> int | None:
        """The price of the last 24 h, weighted by energy."""
        return _vwap(self.hours)

    @property
    def change_ueur_per_kwh(self) -> int | None:
        """How the price of the last hour differs from that of the hour before."""
        last, before = (_vwap([hour for hour in self.hours if hour.hours_ago == ago]) for ago in (0, 1))
        return None if last is None or before is None else last - before

    @property
    def trend(self) -> Trend | None:
        """Where the price goes."""
        change, before = self.change_ueur_per_kwh, _vwap([hour for hour in self.hours if hour.hours_ago == 1])
        if change is None or before is None:
            return None
        if abs(change) <= STEADY * abs(before):
            return Trend.STEADY
        return Trend.RISING if change > 0 else Trend.FALLING

    @property
    def volatility_ueur_per_kwh(self) -> int | None:
        """Standard deviation of the hourly prices, rounded down."""
        hourly = [vwap for hour in self.hours if (vwap := _vwap([hour])) is not None]
        if len(hourly) < 2:
            return None
        mean = Fraction(sum(hourly), len(hourly))
        return isqrt(int(sum((vwap - mean) ** 2 for vwap in hourly) / len(hourly)))

    @property
    def savings_ueur_per_kwh(self) -> int | None:
        """What a bought kWh costs less than from the grid."""
        if self.price is None or self.import_ueur_per_kwh is None:
            return None
        return self.import_ueur_per_kwh - self.price.price_ueur_per_kwh

    @property
    def earnings_ueur_per_kwh(self) -> int | None:
        """What a sold kWh earns more than from the grid."""
        if self.price is None or self.export_ueur_per_kwh is None:
            return None
        return self.price.price_ueur_per_kwh - self.export_ueur_per_kwh

    @property
    def efficiency_ppm(self) -> int | None:
        """Welfare reached / possible."""
        return round_half_even(self.welfare_ueur * WHOLE_PPM, self.bound_ueur) if self.bound_ueur > 0 else None

    @property
    def renewable_ppm(self) -> int | None:
        """Share of renewable energy in what is traded for deliveries to come."""
        coming = sum(hour.coming_ukwh for hour in self.hours)
        renewable = sum(hour.coming_renewable_ukwh for hour in self.hours)
        return round_half_even(renewable * WHOLE_PPM, coming) if coming else None

    @property
    def signals(self) -> list[Signal]:
        """What is worth acting on now."""
        found = [_price_signal(self.price, self._reference)] if self.price and self._reference else []
        share = self.renewable_ppm
        if share is not None and share >= HIGH_SHARE * WHOLE_PPM:
            facts = Fact(FactKind.RENEWABLE_SHARE, share), Fact(FactKind.THRESHOLD, int(HIGH_SHARE * WHOLE_PPM))
            found.append(Signal(SignalKind.HIGH_RENEWABLES, facts))
        return [signal for signal in found if signal is not None]

    @property
    def _reference(self) -> Fact | None:
        """What the price is compared with."""
        if self.forecast_mean_ueur_per_kwh is not None:
            return Fact(FactKind.FORECAST_MEAN, self.forecast_mean_ueur_per_kwh)
        vwap = self.vwap_ueur_per_kwh
        return None if vwap is None else Fact(FactKind.DAY_VWAP, vwap)


def _price_signal(price: Price, reference: Fact) -> Signal | None:
    now, margin = price.price_ueur_per_kwh, MARGIN * abs(reference.value)
    for kind, holds, threshold in (
        (SignalKind.GOOD_TIME_TO_BUY, now <= reference.value - margin, reference.value - margin),
        (SignalKind.GOOD_TIME_TO_SELL, now >= reference.value + margin, reference.value + margin),
    ):
        if holds and margin:
            return Signal(kind, (Fact(FactKind.PRICE, now), reference, Fact(FactKind.THRESHOLD, round(threshold))))
    return None


def _vwap(hours: Sequence[Hour]) -> int | None:
    energy = sum(hour.energy_ukwh for hour in hours)
    return round_half_even(sum(hour.paid for hour in hours), energy) if energy else None


def band_ueur_per_kwh(price_ueur_per_kwh: int) -> int:
    """How far from a price an order is near it, rounded half-even."""
    return max(NEAR_UEUR_PER_KWH_MIN, round(NEAR * abs(price_ueur_per_kwh)))


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
    here = OrderInterval.market_id.in_(list(bounds)), start > now, start <= now + AHEAD
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
