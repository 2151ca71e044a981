"""XLSX files to cells.

Number cells become their shortest decimal text, date cells a label in the declared format; then they are read like CSV.
A workbook is a zip archive of XML, so its real size and its XML are checked before a parser sees it.
"""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

from openpyxl import load_workbook
from openpyxl.worksheet._reader import VALUE_TAG, WorkSheetParser

from domain.metering.imports.cells import Cells, ascii_excerpt, from_texts
from domain.metering.imports.formats import ImportFormat, Limits, Xlsx
from domain.metering.imports.report import FaultCode, FaultLog, ImportRefused

_PARTS_MAX = 500
_READ_AT_ONCE = 1 << 20
# Sheets of a year unpack to 10 to 30 times their size; what is small may be as regular as it likes.
_UNPACKED_TIMES_MAX = 100
_UNPACKED_FREE = 8 * 2**20
_NUMBER = re.compile(r"[+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?")


def read_cells(data: bytes, file: Xlsx, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    """The sheet's cells. Raises ImportRefused."""
    _check_archive(data, limits, faults)
    try:
        return _read_sheet(data, file, format, limits, faults)
    except ImportRefused:
        raise
    except Exception as error:  # A damaged workbook makes the parser raise almost anything.
        raise faults.refuse(FaultCode.BAD_FILE, f"not a readable workbook ({type(error).__name__})") from error


def _check_archive(data: bytes, limits: Limits, faults: FaultLog) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > _PARTS_MAX:
                raise faults.refuse(FaultCode.TOO_LARGE, f"more than {_PARTS_MAX} parts")
            left = min(limits.uncompressed_bytes_max, max(_UNPACKED_FREE, _UNPACKED_TIMES_MAX * len(data)))
            for part in parts:
                left -= _check_part(archive, part, left, faults)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise faults.refuse(FaultCode.BAD_FILE, "not a readable workbook (damaged archive)") from error


def _check_part(archive: zipfile.ZipFile, part: zipfile.ZipInfo, most: int, faults: FaultLog) -> int:
    """How many bytes a part unpacks to, counted while it is read: what an archive states of itself is not believed.

    In XML no document type (entities can grow without bound) and no encoding that could hide one.
    """
    size, tail = 0, b""
    is_xml = part.filename.endswith((".xml", ".rels"))
    with archive.open(part) as stream:
        while block := stream.read(_READ_AT_ONCE):
            size += len(block)
            if size > most:
                raise faults.refuse(FaultCode.TOO_LARGE, "unpacks to far more than its size, or more than is read")
            if is_xml and (b"<!DOCTYPE" in tail + block or b"\0" in block):
                raise faults.refuse(FaultCode.BAD_FILE, "the workbook's XML has a document type or is not UTF-8")
            tail = block[-16:]
    return size


def _read_sheet(data: bytes, file: Xlsx, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Remarks about styles and extensions that carry no readings.
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            if file.sheet is not None and file.sheet not in workbook.sheetnames:
                raise faults.refuse(FaultCode.BAD_FILE, f"there is no sheet named {ascii_excerpt(file.sheet)}")
            sheet = workbook[file.sheet or workbook.sheetnames[0]]
            rows = _rows(sheet, faults)
            at, header = next(((row, values) for row, values in rows if row >= format.header_row), (0, {}))
            names = _header(header if at == format.header_row else {}, format, limits, faults)
            return _read_rows(rows, names, file, format, limits, faults)
        finally:
            workbook.close()


class _Sheet(WorkSheetParser):
    """openpyxl's parser of a sheet, but that numbers are ASCII: Python's own reading takes 1_000 and other digits."""

    def parse_cell(self, element: Any) -> dict[str, Any]:
        text = element.findtext(VALUE_TAG)
        if text and element.get("t", "n") == "n" and not _NUMBER.fullmatch(text):
            raise ValueError("a cell is no number")
        cell: dict[str, Any] = super().parse_cell(element)
        return cell


def _rows(sheet: Any, faults: FaultLog) -> Iterator[tuple[int, dict[int, object]]]:
    """Row numbers and their cells by column, both from 1, as they stand in the sheet.

    What the sheet states of its extent is not believed. Rows and cells that run back are refused: one of two would be
    lost. Raises ImportRefused.
    """
    book = sheet.parent
    with sheet._get_source() as source:
        parser = _Sheet(
            source,
            sheet._shared_strings,
            epoch=book.epoch,
            date_formats=book._date_formats,
            timedelta_formats=book._timedelta_formats,
        )
        last = 0
        for row, cells in parser.parse():
            columns = [cell["column"] for cell in cells]
            elsewhere = any(cell["row"] != row for cell in cells)
            if row <= last or elsewhere or any(after <= before for before, after in pairwise(columns)):
                raise faults.refuse(FaultCode.BAD_FILE, "a row or cell of the sheet stands twice or out of order", row)
            last = row
            yield row, {cell["column"]: cell["value"] for cell in cells if cell["value"] is not None}


def _header(values: dict[int, object], format: ImportFormat, limits: Limits, faults: FaultLog) -> list[str]:
    if max(values, default=0) > limits.columns_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.columns_max} columns", format.header_row)
    names = [str(values.get(column, "")).strip() for column in range(1, max(values, default=0) + 1)]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise faults.refuse(FaultCode.BAD_FILE, "there is no header", format.header_row)
    return names


def _read_rows(
    body: Iterator[tuple[int, dict[int, object]]],
    names: list[str],
    file: Xlsx,
    format: ImportFormat,
    limits: Limits,
    faults: FaultLog,
) -> Cells:
    table: list[list[str]] = []
    rows: list[int] = []
    for row, values in body:
        if row < format.data_row or not values:
            continue
        rows.append(row)
        seen = row - format.data_row + 1
        if seen > limits.rows_max or seen * len(names) > limits.cells_max:
            raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.rows_max} rows or {limits.cells_max} cells")
        table.append([_text(values.get(column), file, format.time_format) for column in range(1, len(names) + 1)])
    _refuse_nul(table, rows, names, faults)
    return from_texts(names, table, rows)


def _text(value: object, file: Xlsx, time_format: str) -> str:
    """A cell as the text that a CSV of the same format would hold."""
    match value:
        case None:
            text = ""
        case str() | int():
            text = str(value)
        case float():
            text = _decimal(value).replace(".", file.decimal_separator)
        case datetime():
            # Serial dates carry fractions of a second: take the nearest whole one.
            text = (value + timedelta(microseconds=500_000)).strftime(time_format)
        case date():
            text = datetime.combine(value, time.min).strftime(time_format)
        case time():
            text = value.strftime(time_format)
        case timedelta():
            text = _duration(value)
        case _:
            text = f"={type(value).__name__}"  # Array and table formulas come as objects.
    return text


def _decimal(value: float) -> str:
    """The shortest decimal that is this number, written out: a workbook keeps 0.000001 as 1E-06."""
    return f"{Decimal(repr(value)):f}".removesuffix(".0")


def _duration(value: timedelta) -> str:
    """Clock time of a template that goes up to 24:00."""
    minutes, _ = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _refuse_nul(table: list[list[str]], rows: list[int], names: list[str], faults: FaultLog) -> None:
    for row, texts in zip(rows, table, strict=True):
        if any("\0" in text for text in texts):
            column = next(name for name, text in zip(names, texts, strict=True) if "\0" in text)
            raise faults.refuse(FaultCode.CONTROL_CHARACTER, "a NUL byte", row, column)
