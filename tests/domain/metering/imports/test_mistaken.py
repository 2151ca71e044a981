"""What is not the energy of an interval is not taken for it: counters, and second registers."""

import pytest

from domain.metering.imports import parse
from tests.domain.metering.imports.files import HOURLY, PLAIN, labels, long_rows, long_text, places, refused, text


def test_rows_of_two_registers_are_refused_also_where_their_values_are_equal() -> None:
    rows = [[*row, register] for row in long_rows(labels(PLAIN)) for register in ("T1", "T2")]

    report = refused(text(["point", "time", "kwh", "register"], rows), HOURLY)

    assert places(report) == [("DUPLICATE", row, "kwh") for row in range(3, 50, 2)]


@pytest.mark.parametrize(
    ("values", "days"),
    [
        ([f"{8000 + index / 8:.3f}" for index in range(24)], 1),
        ([f"{4000 + max(0, index - 12)}" for index in range(24)], 1),
        ([f"{index / 4}" for index in range(48)], 2),
        ([f"{max(0, index - 7) // 3}" for index in range(72)], 3),
    ],
    ids=["high", "one tariff of two", "new", "slow"],
)
def test_what_only_grows_through_the_file_is_a_counter(values: list[str], days: int) -> None:
    rows = [["A", time, value] for time, value in zip(labels(PLAIN, days=days), values, strict=True)]

    forwards, backwards = refused(long_text(rows), HOURLY), refused(long_text(rows[::-1]), HOURLY)

    assert places(forwards) == [("COUNTER_READINGS", 2, "kwh")]
    assert [code for code, _, _ in places(backwards)] == ["COUNTER_READINGS"]


@pytest.mark.parametrize(
    "values",
    [["0"] * 48, ["0.5"] * 48, ["0.1"] * 24 + ["0.2"] * 24, [f"{index % 24}" for index in range(48)], ["900"] * 48],
    ids=["nothing", "steady", "one step", "the same ramp each day", "much"],
)
def test_energy_is_not_taken_for_a_counter(values: list[str]) -> None:
    rows = [["A", time, value] for time, value in zip(labels(PLAIN, days=2), values, strict=True)]

    assert parse(long_text(rows), HOURLY).report.values == 48
