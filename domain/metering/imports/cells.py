"""A file as cells: one byte buffer and, for each cell, where its text starts and how long it is.

Both CSV and XLSX end here, so numbers and times are read by whole columns and each fault still knows its row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from domain.metering.imports.report import FaultCode, FaultLog

PADDING = 256  # Bytes behind the text, so that reading a fixed width past a short cell stays inside the buffer.
_PRIME = np.uint64(1_099_511_628_211)

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Column:
    """One column's texts, trimmed of blanks; `rows` are their numbers in the file."""

    name: str
    buffer: Bytes
    starts: Positions
    lengths: Positions
    rows: Positions

    def text(self, index: int) -> str:
        """The text of one cell."""
        start = int(self.starts[index])
        return self.buffer[start : start + int(self.lengths[index])].tobytes().decode("utf-8", "replace")

    def quoted(self, indices: Positions) -> Iterator[str]:
        """Texts for a report: control characters shown as escapes, long ones cut."""
        return (ascii_excerpt(self.text(int(index))) for index in indices)

    def take(self, kept: Mask) -> "Column":
        """The column without the rows that are not kept."""
        return Column(self.name, self.buffer, self.starts[kept], self.lengths[kept], self.rows[kept])

    @property
    def first_bytes(self) -> Bytes:
        """First byte of each cell, 0 where it is empty."""
        first: Bytes = np.where(self.lengths > 0, self.buffer[self.starts], 0).astype(np.uint8)
        return first


@dataclass(frozen=True)
class Cells:
    """All rows of data under one header. `starts` and `lengths` have shape (rows, columns)."""

    header: tuple[str, ...]
    buffer: Bytes
    starts: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    rows: Positions

    @cached_property
    def _index(self) -> dict[str, list[int]]:
        index: dict[str, list[int]] = {}
        for position, name in enumerate(self.header):
            index.setdefault(name, []).append(position)
        return index

    def find(self, names: Sequence[str], cell_bytes_max: int, faults: FaultLog) -> dict[str, Column]:
        """The named columns. Raises ImportRefused when one is missing, stands twice or holds an overlong cell."""
        for name in dict.fromkeys(names):
            found = len(self._index.get(name, ()))
            if found != 1:
                code = FaultCode.REPEATED_COLUMN if found else FaultCode.MISSING_COLUMN
                faults.add(code, f"the header has {found or 'no'} columns named {ascii_excerpt(name)}", column=name)
        faults.refuse_if_any()
        for name in dict.fromkeys(names):
            lengths = self.lengths[:, self._index[name][0]]
            long = lengths > min(cell_bytes_max, PADDING)
            reasons = (f"a cell of {length} bytes" for length in lengths[long])
            faults.add_rows(FaultCode.CELL_TOO_LONG, self.rows[long], name, reasons)
        faults.refuse_if_any(len(self.rows))
        return {name: self._column(name) for name in names}

    def alike(self, rows: Positions, others: Positions) -> Mask:
        """Whether rows, by their numbers in the file, hold the same texts as others in all columns."""
        at, beside = np.searchsorted(self.rows, rows), np.searchsorted(self.rows, others)
        same = np.ones(len(at), np.bool_)
        for position in range(len(self.header)):
            column = self._at(position)
            same &= _equal(column, at, beside)
        return same

    def _column(self, name: str) -> Column:
        return self._at(self._index[name][0])

    def _at(self, position: int) -> Column:
        starts = self.starts[:, position].astype(np.int64)
        lengths = self.lengths[:, position].astype(np.int64)
        return Column(self.header[position], self.buffer, *_trimmed(self.buffer, starts, lengths), self.rows)


def from_texts(header: Sequence[str], table: Sequence[Sequence[str]], rows: Sequence[int]) -> Cells:
    """Cells of rows that are already split into texts, all as long as the header."""
    encoded = [text.encode() for row in table for text in row]
    lengths = np.fromiter(map(len, encoded), np.int32, len(encoded))
    starts = (np.cumsum(lengths, dtype=np.int64) - lengths).astype(np.int32)
    shape = (len(table), len(header))
    buffer = np.frombuffer(b"".join(encoded) + bytes(PADDING), np.uint8)
    return Cells(tuple(header), buffer, starts.reshape(shape), lengths.reshape(shape), np.array(rows, np.int64))


def distinct(column: Column) -> tuple[Positions, list[str]]:
    """For each cell the number of its text, and the texts by number.

    Cells are told apart by a 64-bit hash of their bytes, checked byte by byte; should two texts collide, by the texts.
    """
    if not len(column.rows):
        return np.zeros(0, np.int64), []
    digest = column.lengths.astype(np.uint64)
    for position in range(int(column.lengths.max())):
        byte = column.buffer[column.starts + position].astype(np.uint64)
        digest = np.where(position < column.lengths, (digest ^ byte) * _PRIME, digest)
    _, first, number = np.unique(digest, return_index=True, return_inverse=True)
    number = number.astype(np.int64)
    if _equal(column, np.arange(len(column.rows)), first[number]).all():
        return number, [column.text(int(index)) for index in first]
    numbers: dict[str, int] = {}
    listed = [numbers.setdefault(column.text(index), len(numbers)) for index in range(len(column.rows))]
    return np.array(listed, np.int64), list(numbers)


def ascii_excerpt(text: str, length_max: int = 40) -> str:
    """A quoted excerpt that is safe to show: escapes for what is not printable ASCII."""
    return ascii(text if len(text) <= length_max else text[:length_max] + "...")


def _equal(column: Column, left: Positions, right: Positions) -> Mask:
    """Whether cells hold the same text as others, byte by byte."""
    starts, lengths, others = column.starts[left], column.lengths[left], column.starts[right]
    same: Mask = lengths == column.lengths[right]
    for position in range(int(lengths.max(initial=0, where=same))):
        same &= (column.buffer[starts + position] == column.buffer[others + position]) | (position >= lengths)
    return same


def _trimmed(buffer: Bytes, starts: Positions, lengths: Positions) -> tuple[Positions, Positions]:
    """Starts and lengths without blanks and tabs at either end."""
    while (leading := (lengths > 0) & _is_blank(buffer[starts])).any():
        starts, lengths = starts + leading, lengths - leading
    while (trailing := (lengths > 0) & _is_blank(buffer[starts + lengths - 1])).any():
        lengths = lengths - trailing
    return starts, lengths


def _is_blank(byte: Bytes) -> Mask:
    blank: Mask = (byte == 32) | (byte == 9)
    return blank
