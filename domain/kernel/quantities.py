"""Exact quantities: micro-kWh, micro-EUR and micro-EUR per kWh, as integers (design decision, 2026-11-20).

Every meter format and the grid operators' own allocations (six decimals of a kWh) are whole micro-kWh, so sums never
drift. `Decimal` strings exist only at the edge. 64 bits hold 9 x 10^12 kWh, but the product of two micro-quantities
does not fit 64 bits: scalar code here uses Python's wide integers, arrays do it in `solver`.
"""

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import numpy.typing as npt

from domain.kernel.grammars import decimal_pattern

MicroKwh = npt.NDArray[np.int64]

MICRO = 1_000_000
UKWH_PER_KWH = MICRO
WHOLE_PPM = MICRO  # Shares and participation factors are parts per million.
UKWH_PER_WH = 1_000
UEUR_PER_EUR = MICRO
LOT_UKWH = 1_000  # Markets trade whole watt-hours.
TICK_UEUR_PER_KWH = 100  # Market prices are whole multiples of 0.0001 EUR/kWh.
PRICE_UEUR_PER_KWH_MAX = 4_000_000  # Either way; the harmonised limit of the European day-ahead market, 4,000 EUR/MWh.
ENERGY_UKWH_MAX = 10**11  # Of an order in a delivery interval: 100 MWh.
INT64_MAX = 2**63 - 1
DECIMAL = decimal_pattern()


class NotAQuantity(ValueError):
    """The text is not a finite decimal with at most six decimals within 64 bits of micro-units."""


def parse_micro(given: str | int | Decimal) -> int:
    """Micro-units in a decimal such as "1.25"; exact. Text is of one form only, a number is what it is.

    Raises NotAQuantity.
    """
    if isinstance(given, str) and not DECIMAL.fullmatch(given):
        raise NotAQuantity(f"{given[:40]!a} is not a decimal number")
    value = Decimal(given)
    if not value.is_finite() or value.adjusted() > 13:
        raise NotAQuantity("the number is too large")
    if _decimals(value) > 6:
        raise NotAQuantity("more than six decimals")
    micro = int(value.scaleb(6))
    if abs(micro) > INT64_MAX:
        raise NotAQuantity("the number is too large")
    return micro


def _decimals(value: Decimal) -> int:
    """Decimals of a finite number, trailing zeros aside; exact however long it is, unlike arithmetic."""
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    zeros = next((count for count, digit in enumerate(reversed(digits)) if digit), None)
    return 0 if zeros is None else max(0, -exponent - zeros)


def format_micro(micro: int) -> str:
    """Decimal string of micro-units without trailing zeros: 1_250_000 -> "1.25"."""
    sign, digits = ("-" if micro < 0 else ""), abs(micro)
    whole, fraction = divmod(digits, MICRO)
    if not fraction:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:06d}".rstrip("0")


def amount_ueur(energy_ukwh: int, price_ueur_per_kwh: int) -> int:
    """Energy x price / 10^6, micro-EUR, rounded half-even once."""
    return round_half_even(energy_ukwh * price_ueur_per_kwh, MICRO)


def round_half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator to the nearest integer, ties to even; denominator > 0."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2):
        quotient += 1
    return quotient


def micro_from(value: Decimal) -> int:
    """Micro-units of a decimal of any precision, rounded half-even."""
    return int(value.scaleb(6).to_integral_value(ROUND_HALF_EVEN))


def part_of(energy_ukwh: MicroKwh, factor_ppm: npt.NDArray[np.int64]) -> MicroKwh:
    """Energy x factor in millionths, floored to the micro-kWh so that parts never exceed the whole; any shape.

    The product with the whole energy could pass 64 bits, so whole kWh and the rest are multiplied apart.
    """
    kwh, rest_ukwh = np.divmod(energy_ukwh, WHOLE_PPM)
    part: MicroKwh = kwh * factor_ppm + rest_ukwh * factor_ppm // WHOLE_PPM
    return part


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """Split a total in proportion to weights so that the parts add up to it exactly.

    Whole parts are floored; what is left goes one unit each to the largest remainders, ties to the earlier weight.
    Callers whose members have no natural order sort by id first. All weights zero gives all parts zero, and then
    the total must be zero. Raises ValueError.
    """
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("a split needs a non-negative total and weights")
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError("a positive total cannot be split by weights that are all zero")
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[: total - sum(parts)]:
        parts[i] += 1
    return parts
