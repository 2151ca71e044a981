"""One grammar for each kind of value."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.grammars import (
    Malformed,
    day_of,
    exact_json,
    instant_of,
    offset_minutes_of,
    time_of_day_of,
    whole_number_of,
)
from domain.kernel.quantities import parse_micro


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31t12:00:00+01:30", datetime(2026, 1, 31, 10, 30, tzinfo=UTC)),
        ("2026-01-31T12:00:00-00:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25Z", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31T12:00:00.123456789Z", datetime(2026, 1, 31, 12, 0, 0, 123_456, tzinfo=UTC)),
    ],
    ids=["UTC", "a small z", "a small t", "unknown offset", "fractions", "nanoseconds"],
)
def test_reads_an_instant(text: str, instant: datetime) -> None:
    assert instant_of(text) == instant


NO_INSTANTS = [
    "2026-W05-6T12:00:00Z",
    "20260131T120000Z",
    "2026-031T12:00:00Z",
    "2026-01-31",
    "2026-01-31T12:00:00",
    "2026-01-31T12:00Z",
    "2026-01-31T12Z",
    "2026-01-31 12:00:00Z",
    "2026-01-31T12:00:00 Z",
    " 2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00Z\n",
    "2026-01-31T12:00:00,5Z",
    "2026-01-31T12:00:00.Z",
    "2026-01-31T12:00:00+0100",
    "2026-01-31T12:00:00+01",
    "2026-01-31T12:00:00+01:00:30",
    "2026-01-31T12:00:00+24:00",
    "2026-01-31T12:00:00+01:60",
    "2026-01-31T24:00:00Z",
    "2026-01-31T12:60:00Z",
    "2026-06-30T23:59:60Z",
    "2026-02-30T12:00:00Z",
    "٢٠٢٦-01-31T12:00:00Z",
    "+2026-01-31T12:00:00Z",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    1_767_225_600,
    None,
]


@pytest.mark.parametrize("text", NO_INSTANTS)
def test_refuses_what_is_no_rfc_3339_instant(text: Any) -> None:
    with pytest.raises(Malformed):
        instant_of(text)


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: 2 <= at.year < 9999))
def test_every_instant_is_read_as_it_is_written(instant: datetime) -> None:
    assert instant_of(instant.isoformat()) == instant


@pytest.mark.parametrize(
    ("read", "text"),
    [
        *(
            (day_of, text)
            for text in ("20260131", "2026-W05-6", "2026-1-31", "2026-02-30", "٢٠٢٦-01-31", " 2026-01-31")
        ),
        *((time_of_day_of, text) for text in ("24:00", "7:00", "07:60", "07:00:00", "0700", "٠٧:00", "07:00 ")),
        *(
            (lambda text: whole_number_of(text, 999), text)
            for text in ("", "-1", "+1", "1_0", "1000", "٣", " 1", "0001")
        ),
    ],
)
def test_refuses_other_spellings(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(Malformed):
        read(text)


def test_reads_days_times_of_day_numbers_and_offsets() -> None:
    assert day_of("2026-01-31") == date(2026, 1, 31)
    assert time_of_day_of("23:59") == time(23, 59)
    assert whole_number_of("099", 999) == 99
    assert (offset_minutes_of("+01:30"), offset_minutes_of("-00:15")) == (90, -15)
    assert [offset_minutes_of(text) for text in ("+0100", "+1:000", "01:00", "Europe/Rome")] == [None] * 4


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=6, allow_nan=False))
def test_a_number_of_a_json_document_keeps_every_digit(value: Decimal) -> None:
    assert parse_micro(exact_json(f"[{value:f}]")[0]) == int(value * 10**6)


def test_a_number_of_a_json_document_is_not_taken_for_text() -> None:
    assert exact_json('{"point": 1.5, "kwh": 1e-05}') == {"point": Decimal("1.5"), "kwh": Decimal("0.00001")}


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "[1e99999999999999999999]", "[" * 100_000, "1" * 5_000, "1_0"])
def test_refuses_what_is_no_json(text: str) -> None:
    with pytest.raises(Malformed):
        exact_json(text)
