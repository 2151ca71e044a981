"""Days of a typical day's shape: templates laid over local days, and annual totals spread by them."""

from dataclasses import replace
from datetime import date

from domain.kernel.intervals import Resolution
from domain.metering.imports import EmptyCells, ImportFormat, IntervalLabel, Template, Unit, parse
from domain.metering.tables import Direction
from tests.domain.metering.imports.files import AUTUMN, PLAIN, SPRING, a_format, by_series, places, refused, text

TEMPLATE_ROWS = [[f"{quarter // 4:02d}:{quarter % 4 * 15:02d}", str(quarter), "2"] for quarter in range(96)]


TEMPLATE_TEXT = text(["Time", "Production", "Consommation"], TEMPLATE_ROWS)


def a_template(template: Template, label: IntervalLabel = IntervalLabel.START) -> ImportFormat:
    return a_format(
        layout=template,
        unit=Unit.WH,
        resolution=Resolution.QUARTER_HOUR,
        timezone="Europe/Luxembourg",
        time_format="%H:%M",
        interval_label=label,
    )


def test_a_template_is_laid_over_local_days_by_wall_time() -> None:
    readings = parse(TEMPLATE_TEXT, a_template(Template("A", date(2026, 3, 28), 2)))

    produced = by_series(readings)["A", Direction.INJECTED]
    assert produced[date(2026, 3, 28)] == [1000 * quarter for quarter in range(96)]
    assert produced[SPRING] == [1000 * quarter for quarter in (*range(8), *range(12, 96))]

    autumn = parse(TEMPLATE_TEXT, a_template(Template("A", AUTUMN, 1)))
    expected = [1000 * quarter for quarter in (*range(12), *range(8, 96))]
    assert by_series(autumn)["A", Direction.INJECTED][AUTUMN] == expected


def test_a_template_with_end_labels_closes_at_24_00_or_00_00() -> None:
    for midnight in ("24:00", "00:00"):
        times = [*(row[0] for row in TEMPLATE_ROWS[1:]), midnight]
        rows = [[time, *row[1:]] for time, row in zip(times, TEMPLATE_ROWS, strict=True)]
        content = text(["Time", "Production", "Consommation"], rows)

        readings = parse(content, a_template(Template("A", date(2026, 5, 1), 1), IntervalLabel.END))

        produced = by_series(readings)["A", Direction.INJECTED]
        assert produced[date(2026, 5, 1)] == [1000 * quarter for quarter in range(96)]


def test_a_template_as_shape_of_an_annual_total_adds_up_to_it_exactly() -> None:
    total = 3_500_000_001
    template = Template("A", date(2026, 1, 1), 365, annual_ukwh={Direction.INJECTED: total})

    readings = parse(TEMPLATE_TEXT, a_template(template))

    produced = by_series(readings)["A", Direction.INJECTED]
    assert sum(map(sum, produced.values())) == total
    assert {len(day) for day in produced.values()} == {92, 96, 100}
    assert produced[date(2026, 1, 1)][0] == 0


def test_an_annual_total_of_nothing_fills_the_days_with_nothing() -> None:
    template = Template("A", date(2026, 1, 1), 2, annual_ukwh={Direction.INJECTED: 0, Direction.WITHDRAWN: 0})

    readings = parse(TEMPLATE_TEXT.replace(b",2\n", b",0\n"), a_template(template))

    assert {value for days in by_series(readings).values() for day in days.values() for value in day} == {0}


TEMPLATE_HEADER = ["Time", "Production", "Consommation"]


def an_hourly_template(**overrides: object) -> ImportFormat:
    layout = replace(Template("A", PLAIN, 1), **overrides)  # type: ignore[arg-type]
    return a_format(layout=layout, time_format="%H:%M")


def test_a_template_must_show_each_interval_of_the_day_once() -> None:
    rows = [[f"{hour:02d}:00", "1", "1"] for hour in range(24) if hour != 5]

    report = refused(text(TEMPLATE_HEADER, [*rows, rows[7], ["12:30", "1", "1"]]), an_hourly_template())
    assert places(report) == [("OFF_GRID_TIME", 26, "Time")]

    report = refused(text(TEMPLATE_HEADER, [*rows, rows[7]]), an_hourly_template())
    assert places(report) == [("GAP", None, "Time"), ("DUPLICATE", 25, "Time")]
    assert report.faults[0].reason == "no value from 05:00"


def test_a_template_without_values_cannot_shape_an_annual_total() -> None:
    rows = [[f"{hour:02d}:00", "0", "1"] for hour in range(24)]

    report = refused(text(TEMPLATE_HEADER, rows), an_hourly_template(annual_ukwh={Direction.INJECTED: 1}))

    assert places(report) == [("NO_READINGS", None, "Production")]


def test_a_template_with_an_empty_or_bad_value_is_refused() -> None:
    rows = [[f"{hour:02d}:00", "0", "1"] for hour in range(24)]
    rows[3][1], rows[4][2] = "", "x"

    assert places(refused(text(TEMPLATE_HEADER, rows), an_hourly_template()))[0] == ("EMPTY_CELL", 5, "Production")
    lenient = replace(an_hourly_template(), empty_cells=EmptyCells.NO_READING)
    assert places(refused(text(TEMPLATE_HEADER, rows), lenient)) == [("EMPTY_CELL", 5, "Production")]
