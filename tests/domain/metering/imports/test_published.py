"""Published meter files with their own oddities, read beside the checkout where they are present."""

import csv
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from domain.kernel.intervals import Resolution, intervals_in_day
from domain.metering.imports import (
    EmptyCells,
    FixedOffset,
    Gaps,
    ImportRefused,
    Long,
    Unit,
    Wide,
    WideColumn,
    ZoneClock,
    netted,
    parse,
)
from domain.metering.tables import Direction
from tests.domain.metering.imports.files import a_format, by_series, places

DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
ISO = "%Y-%m-%dT%H:%M"
SYDNEY, VIENNA, BERLIN = "Australia/Sydney", "Europe/Vienna", "Europe/Berlin"


def published(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the published data set {name} is not beside this checkout")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def local_columns(zone: str, minutes: int, **overrides: Any) -> dict[str, Any]:
    resolutions = {15: Resolution.QUARTER_HOUR, 30: Resolution.HALF_HOUR, 60: Resolution.HOUR}
    return {
        "clock": ZoneClock(zone),
        "timezone": zone,
        "time_format": ISO,
        "resolution": resolutions[minutes],
    } | overrides


def micro(text: str, per_unit: int = 10**6) -> int:
    return int((Decimal(text) * per_unit).to_integral_value("ROUND_HALF_EVEN"))


def test_citylearn_a_year_of_twelve_homes_hour_by_hour_and_netted() -> None:
    path = published("citylearn-2022/load_pv_hourly.csv")
    kinds = {"load": Direction.WITHDRAWN, "pv": Direction.INJECTED}
    columns = tuple(WideColumn(f"b{n}_{k}_kwh", f"B{n}", way) for n in range(1, 13) for k, way in kinds.items())

    readings = parse(path, a_format(layout=Wide("t", columns), time_format=ISO))

    rows = rows_of(path)
    assert (readings.report.values, readings.report.rounded, len(readings.series)) == (24 * 8760, 0, 24)
    for series in netted(readings).series:
        load = np.array([micro(row[f"{series.point_code.lower()}_load_kwh"]) for row in rows])
        solar = np.array([micro(row[f"{series.point_code.lower()}_pv_kwh"]) for row in rows])
        gross = solar - load if series.direction is Direction.INJECTED else load - solar
        expected = np.maximum(gross, 0)
        assert [day.day for day in series.days] == [date(2016, 8, 1) + timedelta(days=n) for n in range(365)]
        assert np.array_equal(np.concatenate([day.energy_ukwh for day in series.days]), expected)


def test_sgsc_long_mislabelled_and_missing_hours_are_refused_at_their_rows() -> None:
    path = published("sgsc-households-2013/raw_long_sample.csv")
    layout = Long("customer_id", "reading_datetime", "general_supply_kwh", Direction.WITHDRAWN)

    with pytest.raises(ImportRefused) as refusal:
        parse(path, a_format(layout=layout, **local_columns(SYDNEY, 30)))

    expected = []
    for line, row in enumerate(rows_of(path), 2):
        label = datetime.fromisoformat(row["reading_datetime"])
        if label.hour == 2 and label.date() == date(2013, 4, 7):
            expected.append(("AMBIGUOUS_TIME", line, "reading_datetime"))
        if label.hour == 2 and label.date() == date(2013, 10, 6):
            expected.append(("UNKNOWN_TIME", line, "reading_datetime"))
    assert places(refusal.value.report) == expected
    assert Counter(code for code, _, _ in expected) == {"AMBIGUOUS_TIME": 8, "UNKNOWN_TIME": 14}


def test_sgsc_wide_empties_are_gaps_and_the_days_of_both_changes_are_left_out() -> None:
    path = published("sgsc-households-2013/load_30min_kwh_2013.csv")
    rows = [row for row in rows_of(path) if not row["reading_datetime"].startswith("2013-10-06")]
    names = [name for name in rows[0] if name != "reading_datetime"]
    layout = Wide("reading_datetime", tuple(WideColumn(name, name, Direction.WITHDRAWN) for name in names))
    skipping = a_format(
        layout=layout, **local_columns(SYDNEY, 30), gaps=Gaps.SKIP_DAYS, empty_cells=EmptyCells.NO_READING
    )

    with pytest.raises(ImportRefused) as refusal:
        parse(path, skipping)
    assert {code for code, _, _ in places(refusal.value.report)} == {"UNKNOWN_TIME"}

    content = "\n".join([",".join(rows[0]), *(",".join(row.values()) for row in rows)]).encode()
    readings = parse(content, skipping)

    whole: dict[tuple[str, Direction], dict[date, list[int]]] = {}
    for name in names:
        by_day = defaultdict(list)
        for row in rows:
            if row[name]:
                by_day[date.fromisoformat(row["reading_datetime"][:10])].append(micro(row[name]))
        whole[name, Direction.WITHDRAWN] = {
            day: values
            for day, values in by_day.items()
            if len(values) == intervals_in_day(day, ZoneInfo(SYDNEY), 30) and day != date(2013, 4, 7)
        }
    assert by_series(readings) == {key: days for key, days in whole.items() if days}
    left_out = {span.first_day for span in readings.report.skipped if span.point_code == names[0]}
    assert date(2013, 4, 7) in left_out


def test_ausgrid_mean_power_of_half_hours_becomes_half_the_energy() -> None:
    path = published("ausgrid-customer12/load_pv_30min_2011-2012.csv")
    columns = (WideColumn("GC", "C12", Direction.WITHDRAWN), WideColumn("GG", "C12", Direction.INJECTED))
    declared = a_format(
        layout=Wide("", columns),
        unit=Unit.KW,
        resolution=Resolution.HALF_HOUR,
        clock=FixedOffset(600),
        timezone="Etc/GMT-10",
        time_format="%Y-%m-%d %H:%M:%S",
    )

    readings = parse(path, declared)

    rows = rows_of(path)
    texts = [row[column] for row in rows for column in ("GC", "GG")]
    finer = sum(Decimal(text) * 500_000 % 1 != 0 for text in texts)  # Printed with the noise of binary fractions.
    assert (readings.report.values, readings.report.rounded) == (2 * 17_568, finer)
    for series, column in zip(readings.series, ("GG", "GC"), strict=True):
        expected = [micro(row[column], 500_000) for row in rows]
        assert np.concatenate([day.energy_ukwh for day in series.days]).tolist() == expected
        assert len(series.days) == 366


def test_the_price_files_clock_makes_a_year_of_local_days_without_gaps() -> None:
    path = published("prices-de-lu-2024/day_ahead_hourly_2024.csv")
    layout = Wide("t", (WideColumn("load_mw", "DE-LU", Direction.WITHDRAWN),))

    readings = parse(path, a_format(layout=layout, unit=Unit.WH, **local_columns(BERLIN, 60)))

    days = by_series(readings)["DE-LU", Direction.WITHDRAWN]
    expected = [round(Decimal(row["load_mw"]) * 1000) for row in rows_of(path)]
    assert [value for day in days.values() for value in day] == expected
    assert (len(days), len(days[date(2024, 3, 31)]), len(days[date(2024, 10, 27)])) == (366, 23, 25)


def test_negative_prices_are_no_energy() -> None:
    path = published("prices-de-lu-2024/day_ahead_hourly_2024.csv")
    layout = Wide("t", (WideColumn("price_eur_mwh", "DE-LU", Direction.WITHDRAWN),))

    with pytest.raises(ImportRefused) as refusal:
        parse(path, a_format(layout=layout, **local_columns(BERLIN, 60)))

    lines = [line for line, row in enumerate(rows_of(path), 2) if Decimal(row["price_eur_mwh"]) < 0]
    assert places(refusal.value.report) == [("NEGATIVE", line, "price_eur_mwh") for line in lines]
    assert refusal.value.report.fault_count == 457


def test_the_austrian_operators_points_join_in_the_course_of_the_month() -> None:
    path = published("at-operator-allocation-2023-01/allocation_15min_2023-01.csv")
    columns = [WideColumn(f"m{n}_consumption_kwh", f"m{n}", Direction.WITHDRAWN) for n in range(1, 7)]
    columns += [WideColumn(f"g{n}_production_kwh", f"g{n}", Direction.INJECTED) for n in (1, 2)]
    declared = a_format(
        layout=Wide("start_local", tuple(columns)), **local_columns(VIENNA, 15), empty_cells=EmptyCells.NO_READING
    )

    readings = parse(path, declared)

    rows = rows_of(path)
    found = by_series(readings)
    for column in columns:
        days = found.get((column.point_code, column.direction), {})
        expected = [micro(row[column.name]) for row in rows if row[column.name]]
        assert [value for day in days.values() for value in day] == expected
    assert sum(map(len, found.values())) * 96 == readings.report.values
