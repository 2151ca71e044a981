"""Figures of a market as it is now: price and trend, the grid beside it, its book, its last day, and signals.

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
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from math import isqrt
from types import MappingProxyType

from domain.kernel.quantities import WHOLE_PPM, round_half_even

STEADY = Fraction(1, 100)
NEAR = Fraction(5, 100)
NEAR_UEUR_PER_KWH_MIN = 5_000
MARGIN = Fraction(10, 100)
HIGH_SHARE = Fraction(1, 2)


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
