"""Value cells: exact decimals to whole micro-kWh, rounded half-even where a value is finer.

With value = digits x 10^-decimals, energy = digits x factor x 10^(power - decimals) micro-kWh, all in 64-bit integers:
at most 17 digits, a factor of at most 25. Longer numbers and exponents are read one by one with wide integers.
"""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from domain.kernel.grammars import number_pattern
from domain.kernel.intervals import Resolution
from domain.kernel.quantities import INT64_MAX, UKWH_PER_KWH, MicroKwh, round_half_even
from domain.metering.imports.cells import Bytes, Column, Mask, Positions
from domain.metering.imports.formats import Unit

_DIGITS_MAX = 17
_CHUNK = 1 << 14  # Cells read at once; their working arrays stay in the processor's cache.

_POWER_FACTOR = {60: (1, 6), 30: (5, 5), 15: (25, 4)}  # micro-kWh of 1 kW over the interval = factor x 10^power
_THOUSANDTHS = {Unit.KWH: 0, Unit.WH: 3, Unit.KW: 0, Unit.W: 3}
_POWERS = {Unit.KW, Unit.W}


@dataclass(frozen=True, slots=True)
class Energies:
    """Micro-kWh of each cell, 0 where a mask says why there is none. `rounded` values are finer than a micro-kWh."""

    ukwh: MicroKwh
    empty: Mask
    formula: Mask
    not_a_number: Mask
    negative: Mask
    too_large: Mask
    rounded: Mask


def scale(unit: Unit, resolution: Resolution) -> tuple[int, int]:
    """(factor, power): one unit is factor x 10^power micro-kWh. Exact at 15, 30 and 60 minutes."""
    factor, power = _POWER_FACTOR[resolution.minutes] if unit in _POWERS else (1, 6)
    return factor, power - _THOUSANDTHS[unit]


def parse_energies(column: Column, separator: str, scaling: tuple[int, int], value_kwh_max: int) -> Energies:
    """Read a column of values."""
    bound = min(value_kwh_max * UKWH_PER_KWH, INT64_MAX)
    chunks = range(0, max(len(column.rows), 1), _CHUNK)
    parts = [_parse(column, slice(start, start + _CHUNK), separator, scaling, bound) for start in chunks]
    joined = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Energies(*joined)


def _parse(
    column: Column, part: slice, separator: str, scaling: tuple[int, int], bound: int
) -> tuple[MicroKwh, Mask, Mask, Mask, Mask, Mask, Mask]:
    starts, lengths = column.starts[part], column.lengths[part]
    first = column.buffer[starts]
    is_negative = (first == ord("-")) & (lengths > 0)
    signed = is_negative | ((first == ord("+")) & (lengths > 0))
    digits, decimals, plain = _plain_decimals(column.buffer, starts + signed, lengths - signed, ord(separator))
    ukwh, too_large, rounded = _scaled(np.where(plain, digits, 0), decimals, scaling, bound)
    bad = np.zeros(len(starts), np.bool_)
    for index in np.flatnonzero(~plain & (lengths > 0)):
        read = _parse_one(column.text(part.start + int(index)), separator, scaling)
        bad[index] = read is None
        if read is not None:
            value, rounded[index] = read
            too_large[index] = value > bound
            ukwh[index] = min(value, bound)
    formula = (first == ord("=")) | (first == ord("@")) | (bad & signed)
    negative = is_negative & ~bad & ((ukwh > 0) | too_large | rounded)
    ukwh[too_large | negative] = 0
    return ukwh, lengths == 0, formula & bad, bad & ~formula, negative, too_large & ~negative, rounded & ~negative


def _plain_decimals(
    buffer: Bytes, starts: Positions, lengths: Positions, separator: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Mask]:
    """Digits as an integer, how many are decimals, and whether the cell is nothing but at most 17 digits."""
    count = len(starts)
    digits, decimals = np.zeros(count, np.int64), np.zeros(count, np.int64)
    seen = np.zeros(count, np.bool_)
    plain = np.ones(count, np.bool_)
    shortest = int(lengths.min()) if count else 0
    for position in range(min(int(lengths.max(initial=0)), _DIGITS_MAX + 1)):
        byte = buffer[starts + position]
        digit = byte - np.uint8(48)
        is_digit, is_separator = digit < 10, byte == separator
        if position >= shortest:
            inside = lengths > position
            is_digit, is_separator = is_digit & inside, is_separator & inside
            plain &= is_digit | is_separator | ~inside
        else:
            plain &= is_digit | is_separator
        plain &= ~(is_separator & seen)
        digits = np.where(is_digit, digits * 10 + digit, digits)
        decimals += is_digit & seen
        seen |= is_separator
    figures = lengths - seen
    return digits, decimals, plain & (figures > 0) & (figures <= _DIGITS_MAX)


def _scaled(
    digits: npt.NDArray[np.int64], decimals: npt.NDArray[np.int64], scaling: tuple[int, int], bound: int
) -> tuple[MicroKwh, Mask, Mask]:
    """Micro-kWh, which are above the bound, and which were rounded."""
    factor, power = scaling
    units = digits * factor
    up = 10 ** np.clip(power - decimals, 0, None)
    down = 10 ** np.clip(decimals - power, 0, None)
    too_large = (down == 1) & (units > bound // up)
    quotient, remainder = np.divmod(np.where(too_large, 0, units) * up, down)
    above = remainder > down - remainder
    tie = (remainder == down - remainder) & (quotient % 2 == 1)
    ukwh = quotient + (above | tie)
    return ukwh, too_large | (ukwh > bound), remainder > 0


def _parse_one(text: str, separator: str, scaling: tuple[int, int]) -> tuple[int, bool] | None:
    """Magnitude in micro-kWh and whether it was rounded; None when the text is not a decimal number."""
    if number_pattern(separator).fullmatch(text) is None:
        return None
    _, figures, exponent = Decimal(text.replace(separator, ".")).as_tuple()
    assert isinstance(exponent, int)
    units = int("".join(map(str, figures))) * scaling[0]
    power = exponent + scaling[1]
    if power >= 0:
        return units * 10**power, False
    return round_half_even(units, 10**-power), units % 10**-power != 0
