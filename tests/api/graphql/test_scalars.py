"""One grammar for each scalar: whatever way a text comes in, it is taken alike or refused alike."""

import json
from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from api.graphql.scalars import SCALARS, Date, DateTime, Micro
from api.metering.posting import _instant, _kwh
from domain.kernel.quantities import format_micro
from domain.metering.batches import BatchRefused
from domain.metering.imports import Csv, ImportFormat, ImportRefused, Xlsx, parse
from tests.domain.metering.imports.files import PLAIN, a_format, labels, long_text, workbook

DECIMALS = {"0": "0", "1.25": "1.25", "+3": "3", "007": "7", ".5": "0.5", "5.": "5", "1.2500000": "1.25"}
NO_DECIMALS = ["1_000", "٣", "１", "²", "0x10", "NaN", "Infinity", "1 000", ".", "1.2.3", "1.٣"]
INSTANTS = {"2026-01-31T12:00:00z": "2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+01:00": "2026-01-31T11:00:00.5Z"}
NO_INSTANTS = [
    "2026-W05-6T12:00:00Z",
    "20260131T120000Z",
    "2026-01-31T12:00Z",
    "2026-01-31 12:00:00Z",
    "٢026-01-31T12:00:00Z",
]


@strawberry.type
class Query:
    @strawberry.field
    def decimal(self, value: Micro) -> Micro:
        return value

    @strawberry.field
    def instant(self, value: DateTime) -> DateTime:
        return value

    @strawberry.field
    def day(self, value: Date) -> Date:
        return value


SCHEMA = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))


def by_literal(field: str, text: str) -> Any:
    """What a text in a document comes out as; None where it is refused."""
    answer = SCHEMA.execute_sync(f"{{ {field}(value: {json.dumps(text)}) }}")
    return answer.data and answer.data[field]


def by_variable(field: str, text: str) -> Any:
    kind = {"decimal": "Decimal", "instant": "DateTime", "day": "Date"}[field]
    asked = f"query Q($value: {kind}!) {{ {field}(value: $value) }}"
    answer = SCHEMA.execute_sync(asked, variable_values={"value": text})
    return answer.data and answer.data[field]


def by_post(text: str) -> str | None:
    try:
        return format_micro(_kwh(0, "values", 0, text))
    except BatchRefused:
        return None


def by_file(text: str, declared: ImportFormat) -> str | None:
    """The first value of an hourly day of which all others are 0."""
    rows = [["A", time, "0"] for time in labels(PLAIN)]
    rows[0][2] = text
    header: list[list[str]] = [["point", "time", "kwh"]]
    try:
        readings = parse(workbook(header + rows) if isinstance(declared.file, Xlsx) else long_text(rows), declared)
    except ImportRefused:
        return None
    return format_micro(int(readings.series[0].days[0].energy_ukwh[0]))


@pytest.mark.parametrize(("text", "value"), [*DECIMALS.items(), *((text, None) for text in NO_DECIMALS)])
def test_a_decimal_is_the_same_text_everywhere(text: str, value: str | None) -> None:
    csv, xlsx = a_format(file=Csv()), a_format(file=Xlsx())

    taken = [
        by_literal("decimal", text),
        by_variable("decimal", text),
        by_post(text),
        by_file(text, csv),
        by_file(text, xlsx),
    ]

    assert taken == [value] * 5


@pytest.mark.parametrize("text", [" 1", "1 ", "1\n", "\t1", "1\u00a0", "", "1e3", "1E-3"])
def test_neither_blanks_nor_exponents_are_part_of_a_decimal(text: str) -> None:
    assert [by_literal("decimal", text), by_variable("decimal", text), by_post(text)] == [None] * 3


SPELLINGS = [*INSTANTS.items(), *((text, None) for text in NO_INSTANTS)]


@pytest.mark.parametrize(("text", "value"), SPELLINGS, ids=range(len(SPELLINGS)))
def test_an_instant_is_the_same_text_everywhere(text: str, value: str | None) -> None:
    assert [by_literal("instant", text), by_variable("instant", text)] == [value] * 2
    if value is None:
        with pytest.raises(BatchRefused):
            _instant(0, "start", text)


@pytest.mark.parametrize("text", ["20260131", "2026-W05-6", "2026-1-31", "2026-01-31 ", "٢026-01-31"])
def test_a_date_has_one_spelling(text: str) -> None:
    assert [by_literal("day", text), by_variable("day", text)] == [None, None]
