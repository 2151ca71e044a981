"""A format of meter files that contradicts itself is refused, with the field at fault."""

from dataclasses import replace
from datetime import date

import pytest

from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Resolution
from domain.metering.imports import Csv, Long, StatedOffset, Template, Wide, WideColumn, ZoneClock
from domain.metering.tables import Direction
from tests.domain.metering.imports.files import WIDE, a_format


@pytest.mark.parametrize(
    ("overrides", "path"),
    [
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"clock": ZoneClock("../etc/passwd")}, "clock"),
        ({"clock": StatedOffset()}, "timeFormat"),
        ({"time_format": "%d/%m/%y"}, "timeFormat"),
        ({"time_format": "%Y-%m-%d"}, "timeFormat"),
        ({"resolution": Resolution.DAY}, "resolution"),
        ({"file": Csv(",", ",")}, "delimiter"),
        ({"file": Csv(";", "'")}, "decimalSeparator"),
        ({"layout": Long("p", "t", "v", Direction.INJECTED, "d")}, "direction"),
        (
            {"layout": Wide("t", (WideColumn("a", "A", Direction.INJECTED), WideColumn("b", "A", Direction.INJECTED)))},
            "columns",
        ),
        ({"layout": Wide("t", ())}, "columns"),
        ({"layout": Wide("t", (WIDE.value_columns[0], replace(WIDE.value_columns[1], name="a")))}, "columns"),
        ({"layout": Template("A", date(9999, 12, 31), 1)}, "firstDay"),
        ({"layout": Template("A", date(2026, 1, 1), 1, annual_ukwh={Direction.INJECTED: -1})}, "annualKwh"),
        ({"header_row": 3, "first_data_row": 3}, "firstDataRow"),
    ],
)
def test_a_format_that_contradicts_itself_is_refused(overrides: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        a_format(**overrides)

    assert refusal.value.path == (path,)
