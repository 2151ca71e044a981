"""Rows of cells as CSV or XLSX, piece by piece, safe to be opened by a spreadsheet.

A text that a spreadsheet would take for a formula (it begins with =, +, -, @, a tab or a line end) gets an apostrophe
in front (OWASP, CSV injection). Instants are UTC: ISO 8601 in CSV, dates without a zone in XLSX, which knows none.
Numbers are exact in both as far as the reader keeps them; CSV is UTF-8 with a byte order mark, so that readers know it.
"""

import asyncio
import csv
import io
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from domain.market.view.exports import Cell

FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 64 * 1024
AT_ONCE = asyncio.Semaphore(2)  # Making workbooks takes the processor for seconds.

Rows = AsyncIterator[Sequence[Sequence[Cell]]]  # Page by page.


class SentFile(StreamingResponse):
    """A file that is made while it is sent, and whose reader has so long to take it; then the connection ends."""

    seconds_max = 600.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, or as much of it as can be in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.seconds_max):
                await super().__call__(scope, receive, send)


class FileFormat(StrEnum):
    """How a file is written, by its extension."""

    CSV = "csv"
    XLSX = "xlsx"

    @property
    def media_type(self) -> str:
        """As HTTP names it."""
        return MEDIA_TYPES[self]


MEDIA_TYPES = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def as_file(kind: FileFormat, name: str, columns: Sequence[str], pages: Rows) -> AsyncIterator[bytes]:
    """The bytes of a file, made while they are sent, or for XLSX as soon as all rows are there."""
    return _csv(columns, pages) if kind is FileFormat.CSV else _xlsx(name, columns, pages)


async def _csv(columns: Sequence[str], pages: Rows) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf" + _lines([columns])
    async for page in pages:
        yield _lines([[_text(cell) for cell in row] for row in page])


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode()


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return f"{cell:f}" if isinstance(cell, Decimal) else safe(cell)


def safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text


async def _xlsx(name: str, columns: Sequence[str], pages: Rows) -> AsyncIterator[bytes]:
    """Written in threads, into a file that is gone with its last byte. Others may make theirs while it is sent."""
    with tempfile.TemporaryFile() as file:
        async with AT_ONCE:
            book = Workbook(write_only=True)
            sheet = book.create_sheet(name)
            sheet.append(list(columns))
            async for page in pages:
                await asyncio.to_thread(_append, sheet, page)
            await asyncio.to_thread(book.save, file)
        file.seek(0)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk


def _append(sheet: Any, rows: Sequence[Sequence[Cell]]) -> None:
    for row in rows:
        sheet.append([_value(cell) for cell in row])


def _value(cell: Cell) -> Any:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).replace(tzinfo=None)
    return safe(ILLEGAL_CHARACTERS_RE.sub("", cell)) if isinstance(cell, str) else cell
