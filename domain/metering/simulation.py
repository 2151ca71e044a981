"""Simulated meters: homes with load and rooftop PV, and plants, for a demo that lives.

A pure function of seed, point and day: any day can be computed alone and comes out the same. Chance is counted, not
drawn: each number is a hash of (seed, who, what, day, quarter-hour). Points of one site share the sky. Energies are
whole watt-hours, as meters report them.

- Sun: declination and equation of time by Spencer (1971); clear sky by Haurwitz (1945); diffuse part by Erbs (1982);
  isotropic sky and a ground that reflects 0.2 on the tilted plane; one performance ratio, no temperature.
- Clouds: clear-sky index from a state of the day (remembering the days before) and an AR(1) state within the day.
- Load: BDEW's H25 profile x noise of the day and the quarter-hour, plus runs of an appliance.
"""

import hashlib
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import UKWH_PER_WH, MicroKwh
from domain.metering.clocks import SECONDS_PER_DAY, calendar_day, day_number, zone_table
from domain.metering.imports.gross import net
from domain.metering.profiles import ProfileKind, year_weights

_STEP_S = 900
_SLOTS_MAX = 100
_HOURS = 0.25

_PERFORMANCE_RATIO = 0.84
_SOLAR_CONSTANT = 1361.0  # W/m2
_ALBEDO = 0.2

_DAYS_REMEMBERED = 8
_DAY_MEMORY = 0.6  # Correlation of one day's clouds with the day before.
_QUARTER_MEMORY = 0.9
_APPLIANCE_SHARE = 0.15  # Of the annual load; the rest follows the profile.
_APPLIANCE_KWH = 1.0
_APPLIANCE_SLOTS = 5

Reals = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Site:
    """Where points share the weather; degrees north and east, IANA zone of the local days.

    `clearness` is the mean part of the clear sky's light that comes through: about 0.62 in Luxembourg (1,000 kWh a
    year of each kWp facing south), 0.72 in the Po valley (1,250).
    """

    name: str
    latitude: float
    longitude: float
    timezone: str
    clearness: float = 0.62


@dataclass(frozen=True, slots=True)
class SimulatedPoint:
    """A metering point to simulate. Without load it is a plant, without PV a consumer.

    `azimuth` counts from north over east, so 180 faces south; `tilt` from the horizontal. Degrees.
    """

    code: str
    site: Site
    annual_kwh: float = 0.0
    pv_kwp: float = 0.0
    tilt: float = 35.0
    azimuth: float = 180.0


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """A local day; micro-kWh, shape (92, 96 or 100,)."""

    day: date
    injected_ukwh: MicroKwh
    withdrawn_ukwh: MicroKwh


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Quarter-hours of consecutive local days: their UTC starts, and day and slot of each."""

    numbers: npt.NDArray[np.int64]
    bounds: npt.NDArray[np.int64]
    starts_s: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    slot: npt.NDArray[np.int64]


def simulate(point: SimulatedPoint, first_day: date, days: int, seed: int) -> list[SimulatedDay]:
    """What the point's meter counts on each local day from `first_day`."""
    calendar = _calendar(point.site.timezone, first_day, days)
    production = _whole_wh(pv_kwh(point, first_day, days, seed))
    consumption = _whole_wh(load_kwh(point, first_day, days, seed))
    injected, withdrawn = net(production, consumption)
    cuts = calendar.bounds[1:-1]
    by_day = zip(calendar.numbers.tolist(), np.split(injected, cuts), np.split(withdrawn, cuts), strict=True)
    return [SimulatedDay(calendar_day(number), out, taken) for number, out, taken in by_day]


def pv_kwh(point: SimulatedPoint, first_day: date, days: int, seed: int) -> Reals:
    """Gross generation of each quarter-hour of the days, kWh."""
    calendar = _calendar(point.site.timezone, first_day, days)
    if not point.pv_kwp:
        return np.zeros(len(calendar.starts_s))
    sunlight_w = _plane_irradiance(point, first_day, days, seed)
    return point.pv_kwp * _PERFORMANCE_RATIO * sunlight_w / 1000 * _HOURS


def load_kwh(point: SimulatedPoint, first_day: date, days: int, seed: int) -> Reals:
    """Gross consumption of each quarter-hour of the days, kWh."""
    calendar = _calendar(point.site.timezone, first_day, days)
    if not point.annual_kwh:
        return np.zeros(len(calendar.starts_s))
    of_day = 1 + 0.35 * _centred(_chance(seed, point.code, "day", calendar.numbers, 0))
    of_quarter = _remembering(_chance(seed, point.code, "quarter", *_grid(calendar)), _QUARTER_MEMORY / 1.5)
    noise = np.clip(of_day[:, None] * (1 + 0.35 * of_quarter), 0.15, None)[calendar.day, calendar.slot]
    base = point.annual_kwh * (1 - _APPLIANCE_SHARE) * _profile(point.site.timezone, first_day, days)
    return base * noise + _appliance_kwh(point, calendar, seed)


def clear_sky_w(elevation_sine: Reals) -> Reals:
    """Global horizontal irradiance under a clear sky, W/m2 (Haurwitz 1945)."""
    sine = np.maximum(elevation_sine, 1e-3)
    irradiance: Reals = np.where(elevation_sine > 0, 1098 * sine * np.exp(-0.059 / sine), 0.0)
    return irradiance


def sun(latitude: float, longitude: float, instants_s: npt.NDArray[np.int64]) -> tuple[Reals, Reals, Reals]:
    """Direction of the sun as (east, north, up) parts of a unit vector, at UTC seconds (Spencer 1971)."""
    days = instants_s / SECONDS_PER_DAY
    year = 2 * np.pi * (np.mod(days - 10_957, 365.2425) / 365.2425)  # 10,957 days from 1970 to 2000.
    declination = (
        0.006918
        - 0.399912 * np.cos(year)
        + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year)
        + 0.000907 * np.sin(2 * year)
        - 0.002697 * np.cos(3 * year)
        + 0.00148 * np.sin(3 * year)
    )
    equation_of_time_min = 229.18 * (
        0.000075
        + 0.001868 * np.cos(year)
        - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year)
        - 0.040849 * np.sin(2 * year)
    )
    solar_day = np.mod(days, 1) + (equation_of_time_min + 4 * longitude) / 1440
    hour_angle = 2 * np.pi * (solar_day - 0.5)
    phi = np.radians(latitude)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    up = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    return east, north, up


def _plane_irradiance(point: SimulatedPoint, first_day: date, days: int, seed: int) -> Reals:
    """Irradiance on the tilted plane, W/m2: beam, sky and ground."""
    (east, north, up), horizontal, diffuse = _sky(point.site, first_day, days, seed)
    tilt, azimuth = np.radians(point.tilt), np.radians(point.azimuth)
    incidence = np.sin(tilt) * (np.sin(azimuth) * east + np.cos(azimuth) * north) + np.cos(tilt) * up
    beam = (horizontal - diffuse) * np.maximum(incidence, 0) / np.maximum(up, 0.05)
    sky = diffuse * (1 + np.cos(tilt)) / 2
    ground = horizontal * _ALBEDO * (1 - np.cos(tilt)) / 2
    irradiance: Reals = np.minimum(beam + sky + ground, _SOLAR_CONSTANT)
    return irradiance


@lru_cache(maxsize=16)
def _sky(site: Site, first_day: date, days: int, seed: int) -> tuple[tuple[Reals, Reals, Reals], Reals, Reals]:
    """Sun, global and diffuse horizontal irradiance in the middle of each quarter-hour, W/m2."""
    calendar = _calendar(site.timezone, first_day, days)
    direction = sun(site.latitude, site.longitude, calendar.starts_s + _STEP_S // 2)
    horizontal = clear_sky_w(direction[2]) * clear_sky_index(site, first_day, days, seed)
    outside = _SOLAR_CONSTANT * np.maximum(direction[2], 1e-3)
    return direction, horizontal, horizontal * _diffuse_fraction(np.minimum(horizontal / outside, 1.0))


def clear_sky_index(site: Site, first_day: date, days: int, seed: int) -> Reals:
    """Part of the clear sky's light that the clouds let through, 0.05 to 1, for each quarter-hour."""
    calendar = _calendar(site.timezone, first_day, days)
    of_day = np.zeros(len(calendar.numbers))
    for back in range(_DAYS_REMEMBERED):
        past = _centred(_chance(seed, site.name, "clouds", calendar.numbers - back, 0))
        of_day = of_day + np.sqrt(1 - _DAY_MEMORY**2) * _DAY_MEMORY**back * past
    of_quarter = _remembering(_chance(seed, site.name, "cloud", *_grid(calendar)), _QUARTER_MEMORY)
    index = site.clearness + 0.26 * of_day[:, None] + 0.14 * of_quarter
    return np.clip(index, 0.05, 1.0)[calendar.day, calendar.slot]


def _diffuse_fraction(clearness: Reals) -> Reals:
    """Diffuse part of the global irradiance (Erbs, Klein and Duffie 1982)."""
    k = clearness
    middle = 0.9511 - 0.1604 * k + 4.388 * k**2 - 16.638 * k**3 + 12.336 * k**4
    fraction: Reals = np.where(k <= 0.22, 1 - 0.09 * k, np.where(k <= 0.8, middle, 0.165))
    return fraction


@lru_cache(maxsize=16)
def _profile(timezone: str, first_day: date, days: int) -> Reals:
    """Share of the year's load in each quarter-hour of the days."""
    first = day_number(first_day)
    parts = []
    for year in range(first_day.year, calendar_day(first + days - 1).year + 1):
        weights, bounds = year_weights(ProfileKind.H25, year, timezone)
        new_year = day_number(date(year, 1, 1))
        begin, end = max(first - new_year, 0), min(first + days - new_year, len(bounds) - 1)
        parts.append(weights[bounds[begin] : bounds[end]] / int(weights.sum()))
    return np.concatenate(parts)


def _appliance_kwh(point: SimulatedPoint, calendar: _Calendar, seed: int) -> Reals:
    """Runs of washing machine and the like: up to three a day, between 07:00 and 22:00."""
    runs_per_day = point.annual_kwh * _APPLIANCE_SHARE / 365 / _APPLIANCE_KWH
    kwh = np.zeros(len(calendar.starts_s))
    for run in range(3):
        runs = _chance(seed, point.code, "run", calendar.numbers, run) < runs_per_day / 3
        start = 28 + (_chance(seed, point.code, "start", calendar.numbers, run) * 60).astype(np.int64)
        since = calendar.slot - start[calendar.day]
        running = runs[calendar.day] & (since >= 0) & (since < _APPLIANCE_SLOTS)
        kwh += np.where(running, _APPLIANCE_KWH * max(runs_per_day / 3, 1.0) / _APPLIANCE_SLOTS, 0.0)
    return kwh


@lru_cache(maxsize=16)
def _calendar(timezone: str, first_day: date, days: int) -> _Calendar:
    numbers = np.arange(day_number(first_day), day_number(first_day) + days + 1)
    bounds_s = zone_table(timezone, numbers * SECONDS_PER_DAY).day_starts(numbers)
    starts_s = np.arange(bounds_s[0], bounds_s[-1], _STEP_S)
    bounds = (bounds_s - bounds_s[0]) // _STEP_S
    day = np.repeat(np.arange(days), np.diff(bounds))
    return _Calendar(numbers[:-1], bounds, starts_s, day, np.arange(len(starts_s)) - bounds[:-1][day])


def _grid(calendar: _Calendar) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Every day with every slot that a day can have."""
    return calendar.numbers[:, None], np.arange(_SLOTS_MAX)[None, :]


def _chance(seed: int, who: str, what: str, day: npt.NDArray[np.int64], slot: npt.NDArray[np.int64] | int) -> Reals:
    """Evenly spread numbers in [0, 1), each a hash of its names and counts (SplitMix64)."""
    name = hashlib.blake2b(f"{seed}\0{who}\0{what}".encode(), digest_size=8).digest()
    count = (day * 1024 + slot).astype(np.uint64)
    state = np.uint64(int.from_bytes(name, "big")) + count * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    chance: Reals = ((state ^ (state >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return chance


def _centred(chance: Reals) -> Reals:
    """Even numbers in [0, 1) to mean 0 and deviation 1, bounded by 1.74."""
    return (chance - 0.5) * float(np.sqrt(12.0))


def _remembering(chance: Reals, memory: float) -> Reals:
    """AR(1) along the slots of each day with mean 0 and deviation 1: x[t] = memory x[t-1] + noise."""
    states = _centred(chance)
    fresh = float(np.sqrt(1 - memory**2))
    for slot in range(1, states.shape[1]):
        states[:, slot] = memory * states[:, slot - 1] + fresh * states[:, slot]
    return states


def _whole_wh(kwh: Reals) -> MicroKwh:
    """Micro-kWh, rounded half-even to whole watt-hours."""
    ukwh: MicroKwh = np.rint(kwh * 1000).astype(np.int64) * UKWH_PER_WH
    return ukwh
