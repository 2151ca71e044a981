"""Exact quantities and splits."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.quantities import (
    INT64_MAX,
    NotAQuantity,
    amount_ueur,
    format_micro,
    largest_remainder,
    micro_from,
    parse_micro,
    part_of,
    round_half_even,
)


@given(st.integers(-INT64_MAX, INT64_MAX))
def test_text_holds_every_micro_quantity_exactly(micro: int) -> None:
    assert parse_micro(format_micro(micro)) == micro
    assert Decimal(format_micro(micro)) * 1_000_000 == micro


@pytest.mark.parametrize(
    ("text", "micro"),
    [
        ("1.25", 1_250_000),
        ("-0.000001", -1),
        ("0", 0),
        ("+1.5", 1_500_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        ("007", 7_000_000),
        (3, 3_000_000),
        (f"1.{'0' * 60}", 1_000_000),
    ],
)
def test_reads_a_decimal(text: str | int, micro: int) -> None:
    assert parse_micro(text) == micro


NO_QUANTITIES = [
    "",
    "1,5",
    "NaN",
    "Infinity",
    "1.0000001",
    "1e3",
    "9223372036855",
    "0x10",
    "1 2",
    "1_000",
    " 1",
    "1\n",
    "٣",
]
BELOW_PRECISION = ["1e-1000000000", f"0.1{'0' * 40}1", f"{'9' * 12}.000000{'0' * 30}1"]


@pytest.mark.parametrize("text", NO_QUANTITIES + BELOW_PRECISION)
def test_refuses_what_is_no_exact_quantity(text: str) -> None:
    with pytest.raises(NotAQuantity):
        parse_micro(text)


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_rounds_half_to_even(numerator: int, denominator: int) -> None:
    assert round_half_even(numerator, denominator) == round_exactly(numerator, denominator)


def round_exactly(numerator: int, denominator: int) -> int:
    return round(Fraction(numerator, denominator))


def test_values_energy_beyond_sixty_four_bits() -> None:
    ten_gwh_ukwh, four_eur_ueur = 10**13, 4 * 10**6

    assert amount_ueur(ten_gwh_ukwh, four_eur_ueur) == 4 * 10**13
    assert amount_ueur(1, 500_000) == 0
    assert amount_ueur(3, 500_000) == 2


def test_rounds_decimals_half_to_even() -> None:
    assert micro_from(Decimal("0.0000005")) == 0
    assert micro_from(Decimal("0.0000015")) == 2


@given(st.integers(0, 10**15), st.lists(st.integers(0, 10**12), min_size=1, max_size=20))
def test_parts_add_up_to_the_whole_and_stay_within_one_of_their_share(total: int, weights: list[int]) -> None:
    if sum(weights) == 0:
        weights[0] = 1

    parts = largest_remainder(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part * sum(weights) - total * weight) < sum(weights)


def test_a_split_needs_weights() -> None:
    assert largest_remainder(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="all zero"):
        largest_remainder(1, [0, 0])
    with pytest.raises(ValueError, match="non-negative"):
        largest_remainder(1, [1, -1])


@given(st.lists(st.integers(0, 2**46), min_size=1, max_size=20), st.integers(0, 1_000_000))
def test_a_part_is_floored_exactly_however_large_the_whole(energy_ukwh: list[int], factor_ppm: int) -> None:
    part = part_of(np.array(energy_ukwh, np.int64), np.full(len(energy_ukwh), factor_ppm, np.int64))

    assert part.tolist() == [energy * factor_ppm // 1_000_000 for energy in energy_ukwh]
