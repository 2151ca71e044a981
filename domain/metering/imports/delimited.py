"""CSV files to cells: UTF-8, one header, every row as long as it.

Files without quotes are split by one pass over the bytes; the others by the standard CSV reader.
"""

import csv
import io

import numpy as np
import numpy.typing as npt

from domain.metering.imports.cells import PADDING, Cells, ascii_excerpt, from_texts
from domain.metering.imports.formats import Csv, ImportFormat, Limits
from domain.metering.imports.report import FaultCode, FaultLog

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NEWLINE, _RETURN = 10, 13


def read_cells(data: bytes, file: Csv, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    """The file's cells. Raises ImportRefused."""
    data = data.removeprefix(_BYTE_ORDER_MARK)
    _check_text(data, faults)
    if b'"' in data or data.count(b"\r") != data.count(b"\r\n"):
        return _read_quoted(data, file, format, limits, faults)
    return _read_plain(data, file, format, limits, faults)


def _check_text(data: bytes, faults: FaultLog) -> None:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise faults.refuse(FaultCode.BAD_ENCODING, "the file is UTF-16; save it as UTF-8")
    if (position := data.find(b"\0")) >= 0:
        row = data.count(b"\n", 0, position) + 1
        raise faults.refuse(FaultCode.CONTROL_CHARACTER, "a NUL byte", row)
    try:
        _ = data.isascii() or data.decode("utf-8")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise faults.refuse(FaultCode.BAD_ENCODING, f"byte 0x{data[error.start]:02x} is not UTF-8", row) from error


def _read_plain(data: bytes, file: Csv, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    header_end = _line_start(data, format.header_row + 1)
    header = data[_line_start(data, format.header_row) : header_end].decode().rstrip("\r\n")
    names = [name.strip(" \t") for name in header.split(file.delimiter)] if header else []
    _check_header(names, limits, format, faults)
    body_at = _line_start(data, format.data_row)
    body = data[body_at:] if data.endswith(b"\n") else data[body_at:] + b"\n"
    buffer = np.frombuffer(body + bytes(PADDING), np.uint8)
    text = buffer[: len(body)]
    ends = np.flatnonzero(text == _NEWLINE)
    line_starts = np.concatenate(([0], ends[:-1] + 1)) if ends.size else ends
    ends = ends - ((ends > line_starts) & (buffer[ends - 1] == _RETURN))
    filled = ends > line_starts
    rows = np.flatnonzero(filled) + format.data_row
    _check_size(len(rows), len(names), limits, faults)
    return _split(buffer, len(body), line_starts[filled], ends[filled], rows, names, file, faults)


def _split(
    buffer: npt.NDArray[np.uint8],
    size: int,
    line_starts: npt.NDArray[np.int64],
    line_ends: npt.NDArray[np.int64],
    rows: npt.NDArray[np.int64],
    names: list[str],
    file: Csv,
    faults: FaultLog,
) -> Cells:
    delimiters = np.flatnonzero(buffer[:size] == ord(file.delimiter))
    counts = np.searchsorted(delimiters, line_ends) - np.searchsorted(delimiters, line_starts) + 1
    wrong = counts != len(names)
    reasons = (f"{count} cells where the header has {len(names)}" for count in counts[wrong])
    if wrong.any():
        for row, reason in zip(rows[wrong].tolist(), reasons, strict=True):
            faults.add(FaultCode.WRONG_CELL_COUNT, reason, row)
        faults.refuse_if_any(len(rows))
    inner = delimiters.reshape(len(rows), len(names) - 1)
    starts = np.column_stack((line_starts, inner + 1)).astype(np.int32)
    lengths = np.column_stack((inner, line_ends)).astype(np.int32) - starts
    return Cells(tuple(names), buffer, starts, lengths, rows)


def _read_quoted(data: bytes, file: Csv, format: ImportFormat, limits: Limits, faults: FaultLog) -> Cells:
    reader = csv.reader(io.StringIO(data.decode(), newline=""), delimiter=file.delimiter, strict=True)
    names: list[str] = []
    table: list[list[str]] = []
    rows: list[int] = []
    before = 0
    try:
        for cells in reader:
            row, before = before + 1, reader.line_num
            if before != row:
                raise faults.refuse(FaultCode.CONTROL_CHARACTER, "a line break inside a cell", row)
            if row == format.header_row:
                names = [name.strip(" \t") for name in cells]
                _check_header(names, limits, format, faults)
            elif row >= format.data_row and cells:
                table.append(cells)
                rows.append(row)
                _check_size(len(rows), len(names), limits, faults)
                if len(cells) != len(names):
                    reason = f"{len(cells)} cells where the header has {len(names)}"
                    faults.add(FaultCode.WRONG_CELL_COUNT, reason, row)
    except csv.Error as error:
        code = FaultCode.CELL_TOO_LONG if "field limit" in str(error) else FaultCode.BAD_FILE
        raise faults.refuse(code, f"not valid CSV: {error}", before + 1) from error
    _check_header(names, limits, format, faults)
    faults.refuse_if_any(len(rows))
    return from_texts(names, table, rows)


def _line_start(data: bytes, line: int) -> int:
    """Where a line begins, counted from 1; the end of the data when there are fewer lines."""
    at = 0
    for _ in range(line - 1):
        found = data.find(b"\n", at)
        if found < 0:
            return len(data)
        at = found + 1
    return at


def _check_header(names: list[str], limits: Limits, format: ImportFormat, faults: FaultLog) -> None:
    if not names:
        raise faults.refuse(FaultCode.BAD_FILE, "there is no header", format.header_row)
    if len(names) > limits.columns_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.columns_max} columns", format.header_row)
    for name in names:
        if len(name.encode()) > limits.cell_bytes_max:
            reason = f"a header of {len(name.encode())} bytes"
            raise faults.refuse(FaultCode.CELL_TOO_LONG, reason, format.header_row, ascii_excerpt(name))


def _check_size(rows: int, columns: int, limits: Limits, faults: FaultLog) -> None:
    if rows > limits.rows_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.rows_max} rows")
    if rows * columns > limits.cells_max:
        raise faults.refuse(FaultCode.TOO_LARGE, f"more than {limits.cells_max} cells")
