"""The published data sets beside the checkout, read to whole micro-kWh without any of our own readers."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.acceptance.arithmetic import MicroKwh, micro

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MUNICIPALITIES = DATA / "it-municipalities/municipalities_036_modena.geojson"
AREAS = DATA / "substations-osm/areas_voronoi_036_modena.geojson"
HOMES = DATA / "citylearn-2022/load_pv_hourly.csv"
OPERATOR_REPORT = DATA / "at-operator-allocation-2023-01/allocation_15min_2023-01.csv"

HOUR = timedelta(hours=1)
# The homes were measured from August 2016 to July 2017, but the Italian rules hold since 24 January 2024 and nothing is
# shared under rules that did not hold yet: each label is read eight years later (neither year has a 29 February).
YEARS_LATER = 8
# The labels run for 8,760 hours without a clock change. Read at two hours east of UTC, the first label is midnight in
# Rome (summer time) and so is the end of the last one, a year later: every value lies in a whole local day, and the
# days of the two clock changes have their 25 and 23 hours.
CLOCK_EAST_OF_UTC = 2 * HOUR
YEAR_START = datetime(2016 + YEARS_LATER, 8, 1, tzinfo=UTC) - CLOCK_EAST_OF_UTC
YEAR_HOURS = 8_760
HOME_COUNT = 12


def require() -> None:
    """Skips the test where a data set is not there."""
    missing = [path.name for path in (MUNICIPALITIES, AREAS, HOMES, OPERATOR_REPORT) if not path.exists()]
    if missing:
        pytest.skip(f"the published data are not beside this checkout: {', '.join(missing)}")


def features(path: Path) -> list[Any]:
    """The features of a GeoJSON file."""
    found: list[Any] = json.loads(path.read_text(encoding="utf-8"))["features"]
    return found


@dataclass(frozen=True, slots=True)
class Homes:
    """The year of the twelve homes behind and at their meters, micro-kWh, shape (hours, homes)."""

    load_ukwh: MicroKwh
    solar_ukwh: MicroKwh

    @property
    def injected_ukwh(self) -> MicroKwh:
        injected: MicroKwh = np.maximum(self.solar_ukwh - self.load_ukwh, 0)
        return injected

    @property
    def withdrawn_ukwh(self) -> MicroKwh:
        withdrawn: MicroKwh = np.maximum(self.load_ukwh - self.solar_ukwh, 0)
        return withdrawn


def homes() -> Homes:
    """Read the year; load and sun of each hour are set off against each other at the meter."""
    rows = list(csv.DictReader(relabelled().decode().splitlines()))
    assert [row["t"] for row in rows] == [
        (YEAR_START + CLOCK_EAST_OF_UTC + n * HOUR).strftime("%Y-%m-%dT%H:%M") for n in range(YEAR_HOURS)
    ]
    numbers = range(1, HOME_COUNT + 1)
    load, solar = ([[micro(row[f"b{n}_{what}_kwh"]) for n in numbers] for row in rows] for what in ("load", "pv"))
    return Homes(np.array(load), np.array(solar))


def relabelled() -> bytes:
    """The homes' file with each label eight years later, and nothing else changed."""
    header, *rows = HOMES.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join([header, *(f"{int(row[:4]) + YEARS_LATER}{row[4:]}" for row in rows)]).encode()


def operator_report() -> Mapping[str, list[int | None]]:
    """The operator's columns, micro-kWh per quarter-hour; None where the point does not take part."""
    rows = _rows(OPERATOR_REPORT)
    return {
        name: [micro(row[name]) if row[name] else None for row in rows] for name in rows[0] if name != "start_local"
    }


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
