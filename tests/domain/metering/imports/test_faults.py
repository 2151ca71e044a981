"""What is wrong in a meter file is named by row, column and reason, and nothing of the file is taken."""

from dataclasses import replace
from datetime import date

import pytest

from domain.kernel.intervals import Resolution
from domain.metering.imports import (
    Csv,
    FaultCode,
    Gaps,
    IntervalLabel,
    Limits,
    Long,
    Wide,
    WideColumn,
    ZoneClock,
)
from domain.metering.tables import Direction, Quality
from tests.domain.metering.imports.files import (
    AUTUMN,
    HOURLY,
    LONG,
    PLAIN,
    WIDE,
    a_format,
    labels,
    long_rows,
    long_text,
    places,
    refused,
    steady_rows,
    text,
)

ROME = a_format(clock=ZoneClock("Europe/Rome"), timezone="Europe/Rome")
QUARTERS = replace(ROME, resolution=Resolution.QUARTER_HOUR)


def a_day(day: date = PLAIN, zone: str = "UTC", minutes: int = 60) -> list[list[str]]:
    return long_rows(labels(day, zone, minutes))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("abc", "NOT_A_NUMBER"),
        ("1,5", "WRONG_CELL_COUNT"),
        ("1 000", "NOT_A_NUMBER"),
        ("1.2.3", "NOT_A_NUMBER"),
        (".", "NOT_A_NUMBER"),
        ("NaN", "NOT_A_NUMBER"),
        ("inf", "NOT_A_NUMBER"),
        ("0x10", "NOT_A_NUMBER"),
        ("1_000", "NOT_A_NUMBER"),
        ("1e1000", "NOT_A_NUMBER"),
        ("1e٣", "NOT_A_NUMBER"),
        ("٣", "NOT_A_NUMBER"),
        ("-1", "NEGATIVE"),
        ("-0.0000000001", "NEGATIVE"),
        ("", "EMPTY_CELL"),
        ("  ", "EMPTY_CELL"),
        ("-1e3", "NEGATIVE"),
        ("1e300", "VALUE_TOO_LARGE"),
        ("=1+1", "FORMULA"),
        ("@SUM(A1)", "FORMULA"),
        ("+cmd|' /C calc'!A0", "FORMULA"),
        ("-2+3", "FORMULA"),
        ("1000001", "VALUE_TOO_LARGE"),
        ("1000000.000001", "VALUE_TOO_LARGE"),
        ("9" * 17, "VALUE_TOO_LARGE"),
        ("9" * 60, "VALUE_TOO_LARGE"),
        ("7" * 129, "CELL_TOO_LONG"),
    ],
)
def test_a_bad_value_is_named_by_row_and_column(value: str, code: str) -> None:
    rows = a_day()
    rows[4][2] = value

    report = refused(long_text(rows), HOURLY)

    assert places(report) == [(code, 6, None if code == "WRONG_CELL_COUNT" else "kwh")]
    assert (report.fault_count, report.rows, report.values) == (1, 24, 0)


def test_a_comma_does_not_pass_for_a_point_nor_a_point_for_a_comma() -> None:
    rows = [["A", time, "1.5"] for time in labels(PLAIN)]
    rows[2][2] = "1,5"

    assert places(refused(text(["point", "time", "kwh"], rows, ";"), a_format(file=Csv(";", ".")))) == [
        ("NOT_A_NUMBER", 4, "kwh")
    ]
    assert refused(text(["point", "time", "kwh"], rows, ";"), a_format(file=Csv(";", ","))).fault_count == 23


@pytest.mark.parametrize(
    "label",
    ["yesterday", "", "2026-05-01", "2026-02-30 01:00", "2026-05-01 24:01", "2026-05-01 12:60", "1026-05-01 01:00"],
)
def test_what_is_no_time_is_named(label: str) -> None:
    rows = a_day()
    rows[3][1] = label

    assert places(refused(long_text(rows), HOURLY)) == [("NOT_A_TIME", 5, "time")]


def test_all_faults_of_a_wide_file_are_told_at_once_in_file_order() -> None:
    rows = [[time, "1", "2"] for time in labels(PLAIN)]
    rows[0][2], rows[3][1], rows[3][2], rows[5][0] = "x", "-1", "", "noon"

    report = refused(text(["time", "a", "b"], rows), a_format(layout=WIDE))

    assert places(report) == [
        ("NOT_A_NUMBER", 2, "b"),
        ("NEGATIVE", 5, "a"),
        ("EMPTY_CELL", 5, "b"),
        ("NOT_A_TIME", 7, "time"),
    ]
    assert [fault.reason for fault in report.faults][:2] == [
        "'x' is not a decimal number",
        "'-1' is negative; injected and withdrawn are kept apart",
    ]


def test_rows_are_counted_as_the_file_has_them_with_blank_lines_and_late_headers() -> None:
    rows = a_day()
    rows[5][2] = "x"
    content = b"exported by hand\n\n" + long_text(rows).replace(b"kwh\n", b"kwh\r\n[kWh]\n\n\n")
    declared = a_format(header_row=3, first_data_row=5)

    assert places(refused(content, declared)) == [("NOT_A_NUMBER", 12, "kwh")]
    assert places(refused(content.replace(b"A,", b'"A",', 1), declared)) == [("NOT_A_NUMBER", 12, "kwh")]


def test_a_differing_duplicate_is_refused_at_the_later_row() -> None:
    rows = a_day()

    report = refused(long_text([*rows, rows[7], ["A", rows[5][1], "99"]]), HOURLY)

    assert places(report) == [("DUPLICATE", 27, "kwh")]
    assert report.faults[0].reason == "'A' withdrawn: another value for the interval of row 7"


def test_a_gap_is_named_with_the_row_before_it() -> None:
    rows = a_day()

    report = refused(long_text(rows[:10] + rows[12:]), HOURLY)

    assert places(report) == [("GAP", 11, "kwh")]
    assert report.faults[0].reason == "'A' withdrawn: no value from 2026-05-01T10:00Z to 2026-05-01T12:00Z"


def test_days_cut_at_either_end_and_days_left_out_are_gaps() -> None:
    rows = steady_rows(labels(PLAIN, days=4))

    report = refused(long_text(rows[2:24] + rows[48:95]), HOURLY)

    assert places(report) == [("GAP", 2, "kwh"), ("GAP", 23, "kwh"), ("GAP", 70, "kwh")]
    assert [fault.reason[15:] for fault in report.faults] == [
        "no value from 2026-05-01T00:00Z to 2026-05-01T02:00Z",
        "no value from 2026-05-02T00:00Z to 2026-05-03T00:00Z",
        "no value from 2026-05-04T23:00Z to 2026-05-05T00:00Z",
    ]


def test_gaps_of_several_series_are_all_told() -> None:
    rows = a_day()
    other = [["B", *row[1:]] for row in rows]

    report = refused(long_text(rows[:5] + rows[6:] + other[:8] + other[9:]), HOURLY)

    assert places(report) == [("GAP", 6, "kwh"), ("GAP", 32, "kwh")]


def test_a_time_that_the_spring_change_leaves_out_is_unknown() -> None:
    rows = long_rows([f"2026-03-29 {hour:02d}:00" for hour in range(24)])

    assert places(refused(long_text(rows), ROME)) == [("UNKNOWN_TIME", 4, "time")]


def test_with_end_labels_the_interval_before_the_spring_change_ends_at_three() -> None:
    ends = [f"2026-03-29 {hour:02d}:00" for hour in range(1, 25) if hour != 3]

    report = refused(long_text(long_rows(ends)), replace(ROME, interval_label=IntervalLabel.END))

    assert places(report) == [("UNKNOWN_TIME", 3, "time")]


def test_a_repeated_hour_that_stands_once_is_ambiguous() -> None:
    times = labels(AUTUMN, "Europe/Rome", 15)

    report = refused(long_text(long_rows(times[:12] + times[16:])), QUARTERS)

    assert places(report) == [("AMBIGUOUS_TIME", row, "time") for row in (10, 11, 12, 13)]


def test_a_repeated_hour_in_rows_that_do_not_run_forward_is_ambiguous() -> None:
    rows = a_day(AUTUMN, "Europe/Rome")[::-1]

    assert places(refused(long_text(rows), ROME)) == [("AMBIGUOUS_TIME", 23, "time"), ("AMBIGUOUS_TIME", 24, "time")]


def test_a_repeated_hour_that_stands_three_times_is_a_duplicate() -> None:
    rows = a_day(AUTUMN, "Europe/Rome")
    rows.insert(4, rows[3])

    assert places(refused(long_text(rows), ROME)) == [("DUPLICATE", 6, "time")]


def test_the_repeated_hour_is_told_apart_for_each_point_of_a_long_file() -> None:
    rows = a_day(AUTUMN, "Europe/Rome")
    other = [["B", *row[1:]] for row in rows]

    report = refused(long_text(rows + other[:3] + other[4:]), ROME)

    assert places(report) == [("AMBIGUOUS_TIME", 29, "time")]


@pytest.mark.parametrize("label", ["2026-05-01 03:07", "2026-05-01 03:59"])
def test_a_time_off_the_grid_is_named(label: str) -> None:
    rows = a_day()
    rows[3][1] = label

    assert places(refused(long_text(rows), HOURLY)) == [("OFF_GRID_TIME", 5, "time")]


def test_seconds_are_off_the_grid() -> None:
    rows = [[point, f"{time}:00", value] for point, time, value in a_day()]
    rows[3][1] = "2026-05-01 03:00:01"

    report = refused(long_text(rows), a_format(time_format="%Y-%m-%d %H:%M:%S"))

    assert places(report) == [("OFF_GRID_TIME", 5, "time")]


def test_a_step_that_grows_finer_inside_the_file_is_a_mixed_resolution() -> None:
    rows = long_rows(
        [*labels(PLAIN)[:22], "2026-05-01 22:00", "2026-05-01 22:30", "2026-05-01 23:00", "2026-05-01 23:30"]
    )

    report = refused(long_text(rows), HOURLY)

    assert places(report) == [("MIXED_RESOLUTION", 25, "time"), ("MIXED_RESOLUTION", 27, "time")]


@pytest.mark.parametrize("gaps", list(Gaps))
def test_a_step_that_grows_wider_inside_the_file_is_a_mixed_resolution_not_many_gaps(gaps: Gaps) -> None:
    times = labels(PLAIN, minutes=15)
    rows = long_rows([*times[:40], *times[40::2]])

    report = refused(long_text(rows), a_format(resolution=Resolution.QUARTER_HOUR, gaps=gaps))

    assert places(report)[0] == ("MIXED_RESOLUTION", 42, "kwh")
    assert [fault.code for fault in report.faults].count(FaultCode.MIXED_RESOLUTION) == 1


def test_a_step_column_must_read_as_declared() -> None:
    rows = [[*row, "PT10M" if index == 6 else "PT60M"] for index, row in enumerate(a_day())]
    declared = a_format(layout=replace(LONG, step_column="step", step_text="PT60M"))

    report = refused(text(["point", "time", "kwh", "step"], rows), declared)

    assert places(report) == [("MIXED_RESOLUTION", 8, "step")]


def test_unknown_directions_and_qualities_are_named() -> None:
    layout = Long("point", "time", "kwh", {"A+": Direction.WITHDRAWN}, "way", "quality")
    rows = [[*row, "A-" if index == 2 else "A+", "V" if index == 3 else "W"] for index, row in enumerate(a_day())]
    declared = a_format(layout=layout, quality_codes={"W": Quality.MEASURED})

    report = refused(text(["point", "time", "kwh", "way", "quality"], rows), declared)

    assert places(report) == [("UNKNOWN_DIRECTION", 4, "way"), ("UNKNOWN_QUALITY", 5, "quality")]
    assert report.faults[0].reason == "'A-' is none of 'A+'"


@pytest.mark.parametrize(
    ("point", "code"),
    [
        ("", "EMPTY_CELL"),
        ("=HYPERLINK(1)", "FORMULA"),
        ("@x", "FORMULA"),
        ("-x", "FORMULA"),
        ("a\x07b", "CONTROL_CHARACTER"),
    ],
)
def test_a_point_code_that_could_do_harm_is_refused(point: str, code: str) -> None:
    rows = a_day()
    rows[8][0] = point

    assert places(refused(long_text(rows), HOURLY)) == [(code, 10, "point")]


def test_columns_that_are_missing_or_stand_twice_are_all_named() -> None:
    wide = Wide("when", (WideColumn("a", "A", Direction.WITHDRAWN), WideColumn("b", "B", Direction.INJECTED)))

    report = refused(text(["time", "a", "a"], [["x", "1", "2"]]), a_format(layout=wide))

    assert places(report) == [
        ("REPEATED_COLUMN", None, "a"),
        ("MISSING_COLUMN", None, "b"),
        ("MISSING_COLUMN", None, "when"),
    ]


def test_faults_are_capped_in_file_order_and_counted_in_full() -> None:
    rows = [["A", time, "x"] for time in labels(PLAIN, days=100)]
    rows[-1][0] = "=1"

    report = refused(long_text(rows), HOURLY, Limits(faults_max=10))

    assert places(report) == [("NOT_A_NUMBER", row, "kwh") for row in range(2, 12)]
    assert report.fault_count == 2401


def test_a_file_without_readings_is_refused() -> None:
    assert places(refused(b"point,time,kwh\n", HOURLY)) == [("NO_READINGS", None, None)]
    assert places(refused(b"", HOURLY)) == [("BAD_FILE", 1, None)]
