"""XLSX files to cells.

Number cells become their shortest decimal text, date cells a label in the declared format; then they are read like CSV.
A workbook is a zip archive of XML, so its real size and its XML are checked before a parser sees it.
"""

import io
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from openpyxl import load_workbook

from domain.metering.imports.cells import Cells, ascii_excerpt, from_texts
from domain.metering.imports.formats import ImportFormat, Limits, Xlsx
from domain.metering.imports.report import FaultCode, FaultLog, ImportRefused

_PARTS_MAX = 500
_READ_AT_ONCE = 1 << 20
_SECONDS_PER_DAY = 86_400


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
            if len(parts) > _PARTS_MAX or sum(part.file_size for part in parts) > limits.uncompressed_bytes_max:
                raise faults.refuse(FaultCode.TOO_LARGE, f"unpacks to over {limits.uncompressed_bytes_max} bytes")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")):
                    _check_xml(archive, part, faults)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise faults.refuse(FaultCode.BAD_FILE, "not a readable workbook (damaged archive)") from error


def _check_xml(archive: zipfile.ZipFile, part: zipfile.ZipInfo, faults: FaultLog) -> None:
    """No document type (entities can grow without bound) and no encoding that could hide one."""
    tail = b""
    with archive.open(part) as stream:
        while block := stream.read(_READ_AT_ONCE):
            if b"<!DOCTYPE" in tail + block or b"\0" in block:
                raise faults.refuse(FaultCode.BAD_FILE, "the workbook's XML has a document type or is not UTF-8")
            tail = block[-16:]


def _read_sheet(data: bytes, file: Xlsx, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Remarks about styles and extensions that carry no readings.
        workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            if file.sheet is not None and file.sheet not in workbook.sheetnames:
                raise faults.refuse(FaultCode.BAD_FILE, f"there is no sheet named {ascii_excerpt(file.sheet)}")
            sheet = workbook[file.sheet or workbook.sheetnames[0]]
            columns = limits.columns_max + 1
            header = next(sheet.iter_rows(format.header_row, format.header_row, 1, columns, values_only=True), ())
            names = _header(header, format, limits, faults)
            body = sheet.iter_rows(format.data_row, max_col=len(names), values_only=True)
            return _read_rows(body, names, file, format, limits, faults)
        finally:
            workbook.close()


def _header(values: tuple[object, ...], format: ImportFormat, limits: Limits, faults: FaultLog) -> list[str]:
    names = ["" if value is None else str(value).strip() for value in values]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise faults.refuse(FaultCode.BAD_FILE, "there is no header", format.header_row)
    if len(names) > limits.columns_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.columns_max} columns", format.header_row)
    return names


def _read_rows(
    body: Iterator[tuple[object, ...]],
    names: list[str],
    file: Xlsx,
    format: ImportFormat,
    limits: Limits,
    faults: FaultLog,
) -> Cells:
    table: list[list[str]] = []
    rows: list[int] = []
    for row, values in enumerate(body, format.data_row):
        seen = row - format.data_row + 1
        if seen > limits.rows_max or seen * len(names) > limits.cells_max:
            raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.rows_max} rows or {limits.cells_max} cells")
        if all(value is None for value in values):
            continue
        texts = [_text(value, file, format.time_format) for value in values]
        table.append(texts + [""] * (len(names) - len(texts)))
        rows.append(row)
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
