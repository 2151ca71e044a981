"""What a good meter file becomes: exact micro-kWh in whole local days, whatever its layout, unit and clock."""

import random
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.kernel.intervals import METER_RESOLUTION, Resolution, intervals_in_day, local_day
from domain.metering.imports import (
    UTC_CLOCK,
    Csv,
    EmptyCells,
    FixedOffset,
    Gaps,
    ImportFormat,
    IntervalLabel,
    Long,
    StatedOffset,
    Unit,
    Wide,
    WideColumn,
    Xlsx,
    ZoneClock,
    netted,
    parse,
)
from domain.metering.imports.formats import Clock
from domain.metering.tables import Direction, Quality
from tests.domain.metering.imports.files import (
    AUTUMN,
    HOURLY,
    LONG,
    SPRING,
    WIDE,
    a_format,
    by_series,
    labels,
    long_rows,
    long_text,
    steady_rows,
    text,
    workbook,
)

ROME = ZoneClock("Europe/Rome")
UKWH_PER_UNIT = {Unit.W: Decimal(1000), Unit.KW: Decimal(10**6), Unit.WH: Decimal(1000), Unit.KWH: Decimal(10**6)}


@dataclass(frozen=True)
class MeterFile:
    format: ImportFormat
    content: bytes
    energy_ukwh: dict[tuple[str, Direction], dict[date, list[int]]]


def shown(instant: datetime, clock: Clock, zone: ZoneInfo) -> str:
    match clock:
        case FixedOffset(minutes):
            return (instant + timedelta(minutes=minutes)).strftime("%d.%m.%Y %H:%M")
        case ZoneClock(name):
            return instant.astimezone(ZoneInfo(name)).strftime("%d.%m.%Y %H:%M")
        case StatedOffset():
            local = instant.astimezone(zone).strftime("%d.%m.%Y %H:%M%z")
            return f"{local[:-2]}:{local[-2:]}"


def as_text(ukwh: int, unit: Unit, minutes: int, separator: str) -> str:
    power = Decimal(60) / minutes if unit in (Unit.W, Unit.KW) else Decimal(1)
    return format(Decimal(ukwh) / UKWH_PER_UNIT[unit] * power, "f").replace(".", separator)


@st.composite
def meter_files(draw: st.DrawFn) -> MeterFile:
    zone = ZoneInfo(draw(st.sampled_from(["Europe/Rome", "UTC", "Australia/Sydney", "Asia/Kolkata"])))
    resolution = METER_RESOLUTION[draw(st.sampled_from([15, 30, 60]))]
    first = draw(st.sampled_from([date(2026, 3, 28), date(2026, 10, 24), date(2026, 4, 4), date(2024, 2, 28)]))
    days = [first + timedelta(days=back) for back in range(draw(st.integers(1, 3)))]
    unit, label = draw(st.sampled_from(Unit)), draw(st.sampled_from(IntervalLabel))
    clocks: list[Clock] = [UTC_CLOCK, FixedOffset(90), ZoneClock(zone.key), StatedOffset()]
    clock = draw(st.sampled_from(clocks))
    separator, delimiter = draw(st.sampled_from([(".", ","), (",", ";"), (".", "\t"), (",", "|")]))
    chance = random.Random(draw(st.integers(0, 2**32)))
    count = draw(st.integers(1, 3))
    keys = chance.sample([(code, way) for code in ("IT001E12345678", "é-2", "p") for way in Direction], count)
    lengths = {day: intervals_in_day(day, zone, resolution.minutes) for day in days}
    energy = {
        key: {day: [chance.randrange(10 ** chance.randrange(1, 13)) for _ in range(lengths[day])] for day in days}
        for key in keys
    }
    step = timedelta(minutes=resolution.minutes)
    start = local_day(days[0], zone).start
    total = sum(map(len, energy[keys[0]].values()))
    behind = step if label is IntervalLabel.END else timedelta(0)
    times = [shown(start + step * index + behind, clock, zone) for index in range(total)]
    columns = {
        key: [as_text(value, unit, resolution.minutes, separator) for day in days for value in energy[key][day]]
        for key in keys
    }
    layout: Wide | Long
    if draw(st.booleans()):
        layout = Wide("t", tuple(WideColumn(f"{code} {way}", code, way) for code, way in keys))
        header = ["t", "note", *(column.name for column in layout.value_columns)]
        rows = [[time, "x", *(columns[key][index] for key in keys)] for index, time in enumerate(times)]
    else:
        layout = Long("p", "t", "v", {"in": Direction.INJECTED, "out": Direction.WITHDRAWN}, "d")
        header = ["v", "p", "d", "t"]
        ways = {Direction.INJECTED: "in", Direction.WITHDRAWN: "out"}
        rows = [[columns[key][index], key[0], ways[key[1]], time] for key in keys for index, time in enumerate(times)]
    if not isinstance(clock, ZoneClock):
        chance.shuffle(rows)  # Only the repeated hour of a zone clock needs the order of the file.
    ending = draw(st.sampled_from(["\n", "\r\n"]))
    body = ending.join(delimiter.join(row) for row in [header, *rows]) + draw(st.sampled_from(["", ending]))
    mark = draw(st.sampled_from(["", "\ufeff"]))
    quoted = body.replace(times[0], f'"{times[0]}"') if draw(st.booleans()) else body
    declared = ImportFormat(
        layout=layout,
        unit=unit,
        resolution=resolution,
        interval_label=label,
        clock=clock,
        timezone=zone.key,
        time_format="%d.%m.%Y %H:%M%z" if isinstance(clock, StatedOffset) else "%d.%m.%Y %H:%M",
        file=Csv(delimiter, separator),
    )
    return MeterFile(declared, (mark + quoted).encode(), energy)


@settings(max_examples=120, deadline=None)
@given(meter_files())
def test_reads_back_what_was_written_to_the_last_micro_kwh(file: MeterFile) -> None:
    readings = parse(file.content, file.format)

    assert by_series(readings) == file.energy_ukwh
    assert readings.report.values == sum(len(day) for days in file.energy_ukwh.values() for day in days.values())
    assert (readings.report.duplicates, readings.report.rounded, readings.report.skipped) == (0, 0, ())
    assert all(day.energy_ukwh.dtype == np.int64 for series in readings.series for day in series.days)


@pytest.mark.parametrize("minutes", [15, 30, 60])
@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 7, 1), 24)])
def test_a_zone_clock_gives_local_days_of_23_24_or_25_hours(day: date, hours: int, end: bool, minutes: int) -> None:
    rows = long_rows(labels(day, "Europe/Rome", minutes, end=end))
    declared = a_format(
        clock=ROME,
        timezone="Europe/Rome",
        resolution=METER_RESOLUTION[minutes],
        interval_label=IntervalLabel.END if end else IntervalLabel.START,
    )

    readings = parse(long_text(rows), declared)

    count = hours * 60 // minutes
    assert by_series(readings) == {("A", Direction.WITHDRAWN): {day: [10**6 * value for value in range(count)]}}


def test_the_repeated_hour_is_summer_time_first_also_where_rows_are_sorted_by_label() -> None:
    times = labels(AUTUMN, "Europe/Rome", 15)
    rows = sorted(long_rows(times), key=lambda row: row[1])  # 02:00, 02:00, 02:15, 02:15 ...
    declared = a_format(clock=ROME, timezone="Europe/Rome", resolution=Resolution.QUARTER_HOUR)

    readings = parse(long_text(rows), declared)

    assert by_series(readings)["A", Direction.WITHDRAWN][AUTUMN] == [10**6 * value for value in range(100)]


def test_what_is_finer_than_a_micro_kwh_is_rounded_half_even_and_counted() -> None:
    texts = [
        "0.0000005",
        "0.0000015",
        "1e-6",
        "0.30000000000000004",
        "2.5E-1",
        "0000000000000000000001",
        "+3",
        "-0.0",
    ]
    rows = [["A", time, value] for time, value in zip(labels(SPRING), [*texts, *["0"] * 16], strict=True)]

    readings = parse(long_text(rows), HOURLY)

    day = readings.series[0].days[0]
    assert day.energy_ukwh[:8].tolist() == [0, 2, 1, 300_000, 250_000, 10**6, 3 * 10**6, 0]
    assert readings.report.rounded == 3


@given(st.decimals(min_value=0, max_value=10**6, allow_nan=False), st.sampled_from(Unit), st.sampled_from([15, 30, 60]))
@example(Decimal("7812.499999999999999999999998"), Unit.W, 15)  # Beyond the 28 digits of Decimal's own arithmetic.
@settings(max_examples=200, deadline=None)
def test_any_decimal_is_read_exactly(value: Decimal, unit: Unit, minutes: int) -> None:
    count = 1440 // minutes
    rows = [["A", time, str(value)] for time in labels(SPRING, minutes=minutes)]

    readings = parse(long_text(rows), a_format(unit=unit, resolution=METER_RESOLUTION[minutes]))

    exact = (
        Fraction(UKWH_PER_UNIT[unit]) * (Fraction(minutes, 60) if unit in (Unit.W, Unit.KW) else 1) * Fraction(value)
    )
    assert readings.series[0].days[0].energy_ukwh.tolist() == [round(exact)] * count
    assert readings.report.rounded == (0 if exact.denominator == 1 else count)


def test_identical_duplicates_are_dropped_and_counted() -> None:
    rows = long_rows(labels(SPRING))

    readings = parse(long_text([*rows, *rows[5:8]]), HOURLY)

    assert by_series(readings)["A", Direction.WITHDRAWN][SPRING] == [10**6 * value for value in range(24)]
    assert (readings.report.duplicates, readings.report.values, readings.report.rows) == (3, 24, 27)


def test_days_with_gaps_can_be_left_out_and_are_listed() -> None:
    times = labels(date(2026, 10, 22), "Europe/Rome", days=6)
    rows = steady_rows(times)
    missing_day = [row for row in rows if not row[1].startswith("2026-10-24")]
    kept = [row for row in missing_day if row[1] not in ("2026-10-22 07:00", "2026-10-22 08:00")]
    once = kept.index([*next(row for row in kept if row[1] == "2026-10-25 02:00")])
    declared = a_format(clock=ROME, timezone="Europe/Rome", gaps=Gaps.SKIP_DAYS)

    readings = parse(long_text(kept[:once] + kept[once + 1 :]), declared)

    assert [day.day.day for day in readings.series[0].days] == [23, 26, 27]
    assert [(span.first_day.day, span.last_day.day, span.missing_intervals) for span in readings.report.skipped] == [
        (22, 22, 2),
        (24, 24, 24),
        (25, 25, 2),  # The repeated hour stands once, and which one it is nobody can tell.
    ]


def test_an_empty_cell_can_mean_no_reading_before_a_point_joins_and_after_it_leaves() -> None:
    times = labels(date(2026, 5, 1), days=3)
    rows = [[time, "1", "" if not 24 <= index < 48 else "2"] for index, time in enumerate(times)]
    declared = a_format(layout=WIDE, empty_cells=EmptyCells.NO_READING)

    readings = parse(text(["time", "a", "b"], rows), declared)

    assert [day.day.day for day in readings.series[0].days] == [1, 2, 3]
    assert by_series(readings)["B", Direction.INJECTED] == {date(2026, 5, 2): [2 * 10**6] * 24}


def test_a_day_has_the_worst_quality_of_its_values() -> None:
    layout = replace(LONG, quality_column="q", step_column="step", step_text="PT60M")
    grades = ["L1"] * 24 + ["L1"] * 23 + ["L2"]
    rows = [
        [*row, grade, "PT60M"] for row, grade in zip(steady_rows(labels(date(2026, 5, 1), days=2)), grades, strict=True)
    ]
    declared = a_format(layout=layout, quality_codes={"L1": Quality.MEASURED, "L2": Quality.ESTIMATED})

    readings = parse(text(["point", "time", "kwh", "q", "step"], rows), declared)

    assert [day.quality for day in readings.series[0].days] == [Quality.MEASURED, Quality.ESTIMATED]


def test_wide_columns_may_each_have_a_quality_column() -> None:
    layout = Wide("time", (WideColumn("a", "A", Direction.WITHDRAWN, "qa"),))
    rows = [[time, "1", "L3"] for time in labels(SPRING)]
    declared = a_format(layout=layout, quality_codes={"L3": Quality.SUBSTITUTED})

    readings = parse(text(["time", "a", "qa"], rows), declared)

    assert readings.series[0].days[0].quality is Quality.SUBSTITUTED


def test_unpadded_labels_seconds_and_24_00_are_read() -> None:
    times = [f"1.5.2026 {hour}:00:00" for hour in range(1, 24)] + ["1.5.2026 24:00:00"]
    declared = a_format(time_format="%d.%m.%Y %H:%M:%S", interval_label=IntervalLabel.END)

    readings = parse(long_text(long_rows(times)), declared)

    assert by_series(readings) == {
        ("A", Direction.WITHDRAWN): {date(2026, 5, 1): [10**6 * value for value in range(24)]}
    }


def test_a_false_z_is_a_letter_like_any_other_when_the_clock_is_declared() -> None:
    times = [time.replace(" ", "T") + ":00Z" for time in labels(SPRING, "Europe/Rome")]
    declared = a_format(clock=ROME, timezone="Europe/Rome", time_format="%Y-%m-%dT%H:%M:%SZ")

    readings = parse(long_text(long_rows(times)), declared)

    assert len(readings.series[0].days[0].energy_ukwh) == 23


def test_stated_offsets_may_be_z_or_lack_the_colon() -> None:
    times = [f"2026-05-01 {hour:02d}:00" + ("Z" if hour % 2 else "+0000") for hour in range(24)]
    declared = a_format(clock=StatedOffset(), time_format="%Y-%m-%d %H:%M%z")

    readings = parse(long_text(long_rows(times)), declared)

    assert by_series(readings)["A", Direction.WITHDRAWN] == {date(2026, 5, 1): [10**6 * hour for hour in range(24)]}


def test_workbooks_mix_date_cells_with_text_dates_and_numbers_with_text() -> None:
    times = labels(SPRING)
    cells: list[list[object]] = [["note"], ["point", "time", "kwh"]]
    for index, time in enumerate(times):
        date_cell = datetime.strptime(time, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - a label as a workbook holds it.
        number_text = str(index / 10).replace(".", ",")
        cells.append(["A", date_cell if index % 2 else time, index / 10 if index % 3 else number_text])

    readings = parse(workbook(cells), a_format(file=Xlsx(decimal_separator=","), header_row=2))

    assert by_series(readings) == {("A", Direction.WITHDRAWN): {SPRING: [10**5 * value for value in range(24)]}}


def test_gross_load_and_generation_are_netted_per_interval_and_days_known_once_are_left_out() -> None:
    times = labels(date(2026, 5, 1), days=2)
    layout = Wide("time", (WideColumn("pv", "A", Direction.INJECTED), WideColumn("load", "A", Direction.WITHDRAWN)))
    rows = [[time, "3" if index < 24 else "", str(index % 6)] for index, time in enumerate(times)]
    readings = parse(text(["time", "pv", "load"], rows), a_format(layout=layout, empty_cells=EmptyCells.NO_READING))

    net = netted(readings)

    assert by_series(net) == {
        ("A", Direction.INJECTED): {date(2026, 5, 1): [3 * 10**6, 2 * 10**6, 10**6, 0, 0, 0] * 4},
        ("A", Direction.WITHDRAWN): {date(2026, 5, 1): [0, 0, 0, 0, 10**6, 2 * 10**6] * 4},
    }
    assert [(span.first_day, span.direction) for span in net.report.skipped] == [(date(2026, 5, 2), Direction.INJECTED)]
    assert net.report.values == 48


def test_instants_agree_with_the_kernels_local_days() -> None:
    zone = ZoneInfo("Europe/Rome")
    rows = steady_rows([time for day in (SPRING, AUTUMN) for time in labels(day, "Europe/Rome")])
    readings = parse(long_text(rows), a_format(clock=ROME, timezone="Europe/Rome", gaps=Gaps.SKIP_DAYS))

    for day in readings.series[0].days:
        assert len(day.energy_ukwh) == intervals_in_day(day.day, zone, 60)
    assert local_day(AUTUMN, zone).start == datetime(2026, 10, 24, 22, tzinfo=UTC)
