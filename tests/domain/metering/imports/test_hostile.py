"""Files made to break the reader are refused with a code, before they cost much."""

import io
import random
import time
import zipfile

import pytest

from domain.metering.imports import Csv, ImportRefused, ImportReport, Limits, Xlsx, parse
from tests.domain.metering.imports.files import (
    HOURLY,
    PLAIN,
    a_format,
    labels,
    long_rows,
    long_text,
    places,
    refused,
    workbook,
)

GOOD = long_text(long_rows(labels(PLAIN)))
BOOK = a_format(file=Xlsx())
GOOD_BOOK = workbook([["point", "time", "kwh"], *([point, time, 1] for point, time, _ in long_rows(labels(PLAIN)))])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (GOOD.replace(b",3\n", b",\xff3\n"), ("BAD_ENCODING", 5, None)),
        (GOOD.decode().encode("utf-16"), ("BAD_ENCODING", None, None)),
        (GOOD.replace(b",3\n", b",\x003\n"), ("CONTROL_CHARACTER", 5, None)),
        (GOOD.replace(b",3\n", b',"3\n4"\n'), ("CONTROL_CHARACTER", 5, None)),
        (GOOD.replace(b",3\n", b',"3'), ("BAD_FILE", 5, None)),
        (GOOD.replace(b",3\n", b',"3" x\n'), ("BAD_FILE", 5, None)),
        (GOOD.replace(b",3\n", b",3,4\n"), ("WRONG_CELL_COUNT", 5, None)),
        (GOOD.replace(b",3\n", b',"3",4\n'), ("WRONG_CELL_COUNT", 5, None)),
        (GOOD.replace(b",3\n", b"\n"), ("WRONG_CELL_COUNT", 5, None)),
        (GOOD.replace(b",3\n", b',"' + b"3" * 200_000 + b'"\n'), ("CELL_TOO_LONG", 5, None)),
        (GOOD.replace(b",3\n", b"," + b" " * 1_000_000 + b"3\n"), ("CELL_TOO_LONG", 5, "kwh")),
        (b"x" * 200 + GOOD, ("CELL_TOO_LONG", 1, "'" + "x" * 40 + "...'")),
        (b"," * 20_000 + b"\n", ("TOO_LARGE", 1, None)),
        (b"\n\n\n", ("BAD_FILE", 1, None)),
        (GOOD_BOOK, ("CONTROL_CHARACTER", 1, None)),
    ],
)
def test_a_broken_text_file_is_refused(content: bytes, expected: tuple[str, int | None, str | None]) -> None:
    assert places(refused(content, HOURLY)) == [expected]


@pytest.mark.parametrize(
    "limits", [Limits(bytes_max=100), Limits(rows_max=23), Limits(cells_max=71), Limits(columns_max=2)]
)
@pytest.mark.parametrize("content", [GOOD, GOOD.replace(b"A", b'"A"')])
def test_a_file_above_a_limit_is_too_large(content: bytes, limits: Limits) -> None:
    assert [code for code, _, _ in places(refused(content, HOURLY, limits))] == ["TOO_LARGE"]


@pytest.mark.parametrize(
    "limits",
    [
        Limits(bytes_max=100),
        Limits(rows_max=23),
        Limits(cells_max=71),
        Limits(columns_max=2),
        Limits(uncompressed_bytes_max=1000),
    ],
)
def test_a_workbook_above_a_limit_is_too_large(limits: Limits) -> None:
    assert [code for code, _, _ in places(refused(GOOD_BOOK, BOOK, limits))] == ["TOO_LARGE"]


def test_a_long_file_of_too_many_points_is_too_large() -> None:
    rows = [[f"p{index}", *row[1:]] for index, row in enumerate(long_rows(labels(PLAIN)))]

    assert places(refused(long_text(rows), HOURLY, Limits(series_max=23))) == [("TOO_LARGE", None, "point")]


def with_part(name: str, content: bytes) -> bytes:
    """The good workbook with one part put in place of its own."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD_BOOK)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            if part.filename != name:
                new.writestr(part, old.read(part))
        new.writestr(name, content)
    return buffer.getvalue()


def test_a_zip_bomb_is_refused_by_its_directory() -> None:
    bomb = with_part("xl/media/bomb.bin", bytes(300 * 2**20))

    assert len(bomb) < 2**20
    assert places(refused(bomb, BOOK)) == [("TOO_LARGE", None, None)]


@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/cells.bin"])
def test_a_part_that_unpacks_to_far_more_than_its_size_is_refused_unread(name: str) -> None:
    bomb = with_part(name, b"<worksheet><sheetData><row>" + b"<c><v>1</v></c>" * 2_000_000)
    began = time.process_time()

    report = refused(bomb, BOOK)

    assert len(bomb) < 200_000
    assert places(report) == [("TOO_LARGE", None, None)]
    assert time.process_time() - began < 1


def test_a_small_workbook_may_be_as_regular_as_it_likes() -> None:
    regular = with_part("xl/media/plain.bin", bytes(4 * 2**20))

    assert len(regular) * 100 < 4 * 2**20
    assert parse(regular, BOOK).series


def test_a_zip_bomb_that_lies_about_its_size_is_refused() -> None:
    bomb = with_part("xl/worksheets/sheet1.xml", b"<worksheet>" + b" " * (8 * 2**20) + b"</worksheet>")
    size = (8 * 2**20 + 23).to_bytes(4, "little")
    assert bomb.count(size) == 2

    report = refused(bomb.replace(size, (500).to_bytes(4, "little")), BOOK, Limits(uncompressed_bytes_max=2**20))

    assert places(report) == [("BAD_FILE", None, None)]


def test_entities_are_refused_before_they_unfold() -> None:
    laughs = b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">]><worksheet>&lol;</worksheet>'

    for content in (laughs, b" " * (2**20 - 5) + laughs, laughs.decode().encode("utf-16")):
        report = refused(with_part("xl/worksheets/sheet1.xml", content), BOOK)
        assert places(report) == [("BAD_FILE", None, None)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 not really",
        GOOD,
        GOOD_BOOK[:-100],
        GOOD_BOOK[100:],
        with_part("xl/workbook.xml", b"<workbook/>"),
        with_part("xl/workbook.xml", b"<<<"),
        with_part(
            "xl/worksheets/sheet1.xml", b"<worksheet><sheetData><row r='x'><c r='??'/></row></sheetData></worksheet>"
        ),
        with_part("[Content_Types].xml", b"<Types/>"),
    ],
)
def test_a_damaged_workbook_is_refused(content: bytes) -> None:
    assert [code for code, _, _ in places(refused(content, BOOK))] == ["BAD_FILE"]


def test_a_row_far_down_or_a_cell_far_right_does_not_cost_the_cells_between() -> None:
    sheet = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        b'<row r="1"><c r="A1" t="inlineStr"><is><t>point</t></is></c></row>'
        b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData></worksheet>'
    )

    report = refused(with_part("xl/worksheets/sheet1.xml", sheet), BOOK, Limits(rows_max=1000))

    assert places(report) == [("TOO_LARGE", None, None)]


SHEET = zipfile.ZipFile(io.BytesIO(GOOD_BOOK)).read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("extent", [b"A1", b"A1:B3", b"A5:A9", b"A1:XFD1048576"])
def test_what_a_sheet_states_of_its_extent_is_not_believed(extent: bytes) -> None:
    lying = SHEET.replace(b'ref="A1:C25"', b'ref="' + extent + b'"')
    assert lying != SHEET or extent == b"A1:C25"

    readings = parse(with_part("xl/worksheets/sheet1.xml", lying), BOOK)

    assert (readings.report.rows, readings.report.values) == (24, 24)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'<row r="9"', b'<row r="8"'),
        (b'<row r="9"', b'<row r="30"'),
        (b'<c r="C9"', b'<c r="B9"'),
        (b'<c r="C9"', b'<c r="C10"'),
        (b'<c r="A9"', b'<c r="D9"'),
    ],
)
def test_rows_and_cells_that_stand_twice_or_elsewhere_are_refused(old: bytes, new: bytes) -> None:
    assert SHEET.count(old) == 1

    report = refused(with_part("xl/worksheets/sheet1.xml", SHEET.replace(old, new)), BOOK)

    assert [code for code, _, _ in places(report)] == ["BAD_FILE"]


@pytest.mark.parametrize("number", ["1_000", "٣", " 1", "0x1", "Infinity", "1e_5"])
def test_numbers_of_a_workbook_are_ascii(number: str) -> None:
    sheet = SHEET.replace(b"<v>1</v>", f"<v>{number}</v>".encode(), 1)
    assert sheet != SHEET

    report = refused(with_part("xl/worksheets/sheet1.xml", sheet), BOOK)

    assert [code for code, _, _ in places(report)] == ["BAD_FILE"]


def test_formulas_errors_and_yes_or_no_in_a_workbook_are_named_by_cell() -> None:
    rows: list[list[object]] = [["A", time, 1] for time in labels(PLAIN)]
    rows[1][2], rows[2][2], rows[3][2], rows[4][1] = "=1+1", True, "#N/A", 45_000

    report = refused(workbook([["point", "time", "kwh"], *rows]), BOOK)

    assert places(report) == [
        ("FORMULA", 3, "kwh"),
        ("NOT_A_NUMBER", 4, "kwh"),
        ("NOT_A_NUMBER", 5, "kwh"),
        ("NOT_A_TIME", 6, "time"),
    ]


def test_spots_of_damage_anywhere_end_in_readings_or_a_report() -> None:
    chance = random.Random(1)
    refusals: list[ImportReport] = []
    for content, declared in [(GOOD, HOURLY)] * 300 + [(GOOD_BOOK, BOOK)] * 150:
        damaged = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            assert parse(bytes(damaged), declared).report.values == 24
        except ImportRefused as refusal:
            refusals.append(refusal.report)

    assert 300 < len(refusals) < 450
    assert all(report.fault_count >= len(report.faults) >= 1 for report in refusals)
    assert all(fault.reason.isprintable() for report in refusals for fault in report.faults)


def test_a_sheet_that_is_not_there_or_empty_is_refused() -> None:
    assert places(refused(GOOD_BOOK, a_format(file=Xlsx("Märkte")))) == [("BAD_FILE", None, None)]
    assert places(refused(workbook([]), BOOK)) == [("BAD_FILE", 1, None)]


def test_reasons_show_hostile_text_escaped_and_cut() -> None:
    content = GOOD.replace(b",3\n", ",\u202e<script>".encode() + b"x" * 60 + b"\n")

    report = refused(content, a_format(file=Csv()))

    assert report.faults[0].reason == "'\\u202e<script>" + "x" * 31 + "...' is not a decimal number"
