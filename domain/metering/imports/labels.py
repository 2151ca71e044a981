"""Time labels: text in a declared format to seconds on the label's own clock.

Labels of the declared width are read by column. Others are padded first, so "1.3.2023 0:15" reads as
"01.03.2023 00:15". 24:00 is the midnight that ends a day (ISO 8601:2004).
"""

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from domain.metering.clocks import SECONDS_PER_DAY, Seconds
from domain.metering.imports.cells import PADDING, Bytes, Column, Mask, Positions

_WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "z": 6}
_YEARS = range(1990, 2101)


@dataclass(frozen=True, slots=True)
class Labels:
    """Seconds on the label's clock since 1970-01-01T00:00, its offset east of UTC where stated, and what is bad."""

    local_s: Seconds
    offset_s: Seconds
    bad: Mask


def directives(time_format: str) -> str | None:
    """The directives of a time format in order, "YmdHM"; None when one is unknown or stands twice."""
    parts = re.findall(r"%(.?)", time_format)
    if len(set(parts)) != len(parts) or any(part not in _WIDTHS for part in parts) or "\0" in time_format:
        return None
    return "".join(parts)


def parse_labels(column: Column, time_format: str) -> Labels:
    """Read a column of labels. A format without a date gives seconds since midnight."""
    width = sum(_WIDTHS[part[1]] if len(part) == 2 else 1 for part in _parts(time_format))
    labels = _parse_fixed(column, time_format, width)
    again = np.flatnonzero(labels.bad & (column.lengths > 0))
    if not again.size:
        return labels
    padded = _parse_fixed(_padded(column, again, time_format, width), time_format, width)
    labels.local_s[again] = padded.local_s
    labels.offset_s[again] = padded.offset_s
    labels.bad[again] = padded.bad
    return labels


@lru_cache
def _parts(time_format: str) -> tuple[str, ...]:
    """Directives and single literal characters, in order."""
    return tuple(re.findall(r"%.|[^%]", time_format))


@lru_cache
def _pattern(time_format: str) -> re.Pattern[str]:
    """Labels with unpadded fields, 24-hour Z and offsets without a colon."""
    fields = {"Y": r"(?P<Y>\d{4})", "z": r"(?P<z>Z|[+-]\d\d:?\d\d)"}
    pieces = (
        fields.get(part[1], rf"(?P<{part[1]}>\d{{1,2}})") if len(part) == 2 else re.escape(part)
        for part in _parts(time_format)
    )
    return re.compile("".join(pieces), re.ASCII)


def _parse_fixed(column: Column, time_format: str, width: int) -> Labels:
    bad = column.lengths != width
    values: dict[str, Seconds] = {}
    at = column.starts
    for part in _parts(time_format):
        if len(part) == 1:
            bad |= column.buffer[at] != ord(part)
            at = at + 1
            continue
        reader = _offset if part[1] == "z" else _digits
        values[part[1]], wrong = reader(column.buffer, at, _WIDTHS[part[1]])
        bad |= wrong
        at = at + _WIDTHS[part[1]]
    return _combined(values, bad)


def _digits(buffer: Bytes, at: Positions, width: int) -> tuple[Seconds, Mask]:
    value, bad = np.zeros(len(at), np.int64), np.zeros(len(at), np.bool_)
    for position in range(width):
        digit = buffer[at + position] - np.uint8(48)
        bad |= digit > 9
        value = value * 10 + digit
    return value, bad


def _offset(buffer: Bytes, at: Positions, _width: int) -> tuple[Seconds, Mask]:
    """Offset such as +02:00, in seconds."""
    sign = buffer[at]
    hours, wrong_hours = _digits(buffer, at + 1, 2)
    minutes, wrong_minutes = _digits(buffer, at + 4, 2)
    bad = wrong_hours | wrong_minutes | (buffer[at + 3] != ord(":")) | ((sign != ord("+")) & (sign != ord("-")))
    return np.where(sign == ord("-"), -1, 1) * (hours * 3600 + minutes * 60), bad | (hours > 18) | (minutes > 59)


def _combined(values: dict[str, Seconds], bad: Mask) -> Labels:
    nothing = np.zeros(len(bad), np.int64)
    hour, minute, second = values["H"], values["M"], values.get("S", nothing)
    of_day = hour * 3600 + minute * 60 + second
    bad = bad | (minute > 59) | (second > 59) | (of_day > SECONDS_PER_DAY)
    local_s = of_day
    if "Y" in values:
        day, wrong = _day_number(values["Y"], values["m"], values["d"])
        bad, local_s = bad | wrong, day * SECONDS_PER_DAY + of_day
    return Labels(np.where(bad, 0, local_s), values.get("z", nothing), bad)


def _day_number(year: Seconds, month: Seconds, day: Seconds) -> tuple[Seconds, Mask]:
    """Days since 1970-01-01 and which dates do not exist or lie outside 1990 to 2100."""
    bad = (year < _YEARS[0]) | (year > _YEARS[-1]) | (month < 1) | (month > 12) | (day < 1)
    months = np.where(bad, 0, (year - 1970) * 12 + month - 1)
    first = months.astype("M8[M]").astype("M8[D]").astype(np.int64)
    following = (months + 1).astype("M8[M]").astype("M8[D]").astype(np.int64)
    return first + day - 1, bad | (day > following - first)


def _padded(column: Column, indices: Positions, time_format: str, width: int) -> Column:
    """Those cells again in fixed width; what does not match becomes blanks."""
    pattern = _pattern(time_format)
    text = b"".join(_pad(pattern, column.text(int(index)), time_format, width) for index in indices)
    starts = np.arange(len(indices), dtype=np.int64) * width
    buffer = np.frombuffer(text + bytes(PADDING), np.uint8)
    lengths = np.full(len(indices), width, np.int64)
    return replace(column, buffer=buffer, starts=starts, lengths=lengths, rows=column.rows[indices])


def _pad(pattern: re.Pattern[str], text: str, time_format: str, width: int) -> bytes:
    found = pattern.fullmatch(text)
    if found is None:
        return b" " * width
    fields = {name: value.zfill(2) for name, value in found.groupdict().items()}
    if "z" in fields:
        offset = fields["z"].lstrip("0").replace("Z", "+00:00").replace(":", "")
        fields["z"] = f"{offset[:3]}:{offset[3:]}"
    return "".join(fields[part[1]] if len(part) == 2 else part for part in _parts(time_format)).encode()
