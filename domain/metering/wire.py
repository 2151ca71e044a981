"""Arrays of readings in PostgreSQL's own binary form, whole blocks at a time (`platform.md` section 7).

An array travels as five words (dimensions, whether it holds NULLs, type of element, length, lower bound) and then, per
element, its length and its bytes; a NULL has the length -1 and no bytes. All numbers are big-endian.
"""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from domain.kernel.quantities import MicroKwh
from domain.metering.days import MISSING, DayBlock, Indices

COLUMNS = (
    "metering_point_id",
    "direction",
    "day",
    "version",
    "resolution_minutes",
    "quality",
    "total_ukwh",
    "values_ukwh",
)
HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"
INT8_OID = 20
EPOCH_DAYS = 10_957  # From 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
CHUNK_ROWS = 2_048
ARRAY_HEADER = 20
ELEMENT = np.dtype([("length", ">i4"), ("value", ">i8")])


def copy_stream(block: DayBlock, versions: Indices) -> Iterator[bytes]:
    """A block as the binary COPY stream of COLUMNS, in chunks."""
    yield HEADER
    for start in range(0, len(block), CHUNK_ROWS):
        rows = slice(start, start + CHUNK_ROWS)
        yield _tuples(block.rows(rows), versions[rows])
    yield TRAILER


def _tuples(block: DayBlock, versions: Indices) -> bytes:
    ids = np.frombuffer(b"".join(id.bytes for id in block.metering_point_ids), "V16")
    is_missing = block.values_ukwh == MISSING
    missing = is_missing.sum(axis=1)
    has_missing = bool(missing.any())
    rows = np.zeros(len(block), _tuple_type(block))
    rows["fields"] = len(COLUMNS)
    for name in COLUMNS:
        rows[f"{name}_bytes"] = rows.dtype[name].itemsize
    rows["metering_point_id"] = ids[block.point_index]
    rows["direction"] = block.direction.value.encode()
    rows["day"] = block.day_numbers - EPOCH_DAYS
    rows["version"] = versions
    rows["resolution_minutes"] = block.minutes
    rows["quality"] = block.quality.value.encode()
    rows["total_ukwh"] = block.values_ukwh.sum(axis=1) + missing
    rows["values_ukwh_bytes"] -= 8 * missing
    values = rows["values_ukwh"]
    values["header"] = (1, 0, INT8_OID, block.intervals, 1)
    values["header"][:, 1] = missing > 0
    values["elements"]["length"] = np.where(is_missing, -1, 8) if has_missing else 8
    values["elements"]["value"] = block.values_ukwh
    return _without_missing(rows, is_missing) if has_missing else rows.tobytes()


def _tuple_type(block: DayBlock) -> np.dtype[np.void]:
    array = np.dtype([("header", ">i4", (5,)), ("elements", ELEMENT, (block.intervals,))])
    kinds = ("V16", f"S{len(block.direction.value)}", ">i4", ">i2", ">i2", f"S{len(block.quality.value)}", ">i8", array)
    fields: list[tuple[str, object]] = [("fields", ">i2")]
    for name, kind in zip(COLUMNS, kinds, strict=True):
        fields += [(f"{name}_bytes", ">i4"), (name, kind)]
    return np.dtype(fields)


def _without_missing(rows: npt.NDArray[np.void], is_missing: npt.NDArray[np.bool_]) -> bytes:
    """The tuples without the bytes of values that are NULL; elements stand last in a tuple."""
    keep = np.ones((len(rows), rows.dtype.itemsize), bool)
    elements = keep[:, -is_missing.shape[1] * ELEMENT.itemsize :].reshape(*is_missing.shape, ELEMENT.itemsize)
    elements[:, :, ELEMENT["length"].itemsize :] = ~is_missing[:, :, None]
    return rows.view(np.uint8).reshape(keep.shape)[keep].tobytes()


def values_of(sent: Sequence[bytes], intervals: int) -> MicroKwh:
    """What `array_send` gave for arrays without NULLs and of one length; shape (arrays, intervals)."""
    array = np.dtype([("header", ">i4", (5,)), ("elements", ELEMENT, (intervals,))])
    values: MicroKwh = np.frombuffer(b"".join(sent), array)["elements"]["value"].astype(np.int64)
    return values


def literal(values: Iterable[int]) -> str:
    """The text of an array; MISSING is NULL."""
    return "{" + ",".join("NULL" if value == MISSING else str(value) for value in values) + "}"
