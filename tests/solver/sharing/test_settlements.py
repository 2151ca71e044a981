"""Money of shared energy: `regulation.md` sections 8.2 LU-E, AT-C, CH-A and `oracles.md` "Sharing"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.kernel.errors import InvalidValue
from domain.kernel.quantities import parse_micro
from solver.sharing.settlements import (
    GroupPrices,
    GroupSettlement,
    billed_line_ueur,
    network_saving_ueur,
    reduced_network_price_ueur_per_kwh,
    self_sufficiency_ppm,
    settle_group,
    split_by_energy,
    value_added_tax_ueur,
)

PRICES = GroupPrices(
    retail_ueur_per_kwh=280_000,
    internal_buy_ueur_per_kwh=180_000,
    internal_sell_ueur_per_kwh=160_000,
    feed_in_ueur_per_kwh=80_000,
)


def test_lu_e_group_settlement() -> None:
    assert settle_group(parse_micro("100"), PRICES) == GroupSettlement(10_000_000, 8_000_000, 2_000_000)


def test_luxembourg_savings() -> None:
    shared, withdrawn = parse_micro("2834.5"), parse_micro("4156.2")

    assert settle_group(shared, PRICES) == GroupSettlement(
        consumer_savings_ueur=parse_micro("283.45"),
        producer_gains_ueur=parse_micro("226.76"),
        group_fee_ueur=parse_micro("56.69"),
    )
    assert self_sufficiency_ppm(shared, withdrawn) == 681_993  # 68.2 %


def test_self_sufficiency_of_nothing_withdrawn_is_zero() -> None:
    assert self_sufficiency_ppm(0, 0) == 0


prices = st.integers(-3_000_000, 3_000_000)


@given(st.integers(0, 10**15), st.builds(GroupPrices, prices, prices, prices, prices, prices))
def test_gains_add_up_to_what_sharing_is_worth(shared: int, group: GroupPrices) -> None:
    settled = settle_group(shared, group)

    together = settled.consumer_savings_ueur + settled.producer_gains_ueur + settled.group_fee_ueur
    spread = group.retail_ueur_per_kwh - group.network_on_shared_ueur_per_kwh - group.feed_in_ueur_per_kwh
    assert abs(together * 10**6 - shared * spread) <= 500_000
    between = group.internal_buy_ueur_per_kwh - group.internal_sell_ueur_per_kwh
    assert abs(settled.group_fee_ueur * 10**6 - shared * between) <= 1_500_000


@given(st.integers(-(10**15), 10**15), st.lists(st.integers(0, 10**15), min_size=1).filter(any))
def test_members_parts_add_up_and_lie_within_a_micro_euro(amount: int, energy: list[int]) -> None:
    parts = split_by_energy(amount, energy)

    assert sum(parts) == amount
    assert all(abs(part * sum(energy) - amount * own) < sum(energy) for part, own in zip(parts, energy, strict=True))


def test_members_parts_follow_energy() -> None:
    assert split_by_energy(10, [1, 1, 1]) == [4, 3, 3]
    assert split_by_energy(-10, [1, 1, 1]) == [-4, -3, -3]


@pytest.mark.parametrize(("reduction_ppm", "price"), [(570_000, 21_500), (280_000, 36_000)])
def test_at_c_network_price(reduction_ppm: int, price: int) -> None:
    assert reduced_network_price_ueur_per_kwh(50_000, reduction_ppm) == price


@pytest.mark.parametrize(("reduction_ppm", "saved"), [(400_000, 4_000_000), (200_000, 2_000_000)])
def test_ch_a_network_saving(reduction_ppm: int, saved: int) -> None:
    assert network_saving_ueur(parse_micro("100"), 100_000, reduction_ppm) == saved


@pytest.mark.parametrize("reduction_ppm", [-1, 1_000_001])
def test_refuses_a_reduction_beyond_the_whole(reduction_ppm: int) -> None:
    with pytest.raises(InvalidValue, match=f"{reduction_ppm} ppm is not between 0 and 1000000"):
        reduced_network_price_ueur_per_kwh(50_000, reduction_ppm)
    with pytest.raises(InvalidValue, match=f"{reduction_ppm} ppm is not between 0 and 1000000"):
        network_saving_ueur(1, 50_000, reduction_ppm)


def test_billing_lines() -> None:
    lines = [
        billed_line_ueur(parse_micro("3355.33"), parse_micro("0.0777")),
        billed_line_ueur(parse_micro("4477.45"), parse_micro("0.0966")),
    ]
    taxes = [value_added_tax_ueur(line, 100_000) for line in lines]

    assert lines == [parse_micro("260.71"), parse_micro("432.52")]
    assert taxes == [parse_micro("26.07"), parse_micro("43.25")]
    assert sum(lines) == parse_micro("693.23")
    assert sum(lines) + sum(taxes) == parse_micro("762.55")


@pytest.mark.parametrize(
    ("price", "billed"), [("0.005", "0.01"), ("0.004999", "0"), ("-0.005", "-0.01"), ("-0.004999", "0")]
)
def test_half_a_cent_is_rounded_away_from_zero(price: str, billed: str) -> None:
    assert billed_line_ueur(parse_micro("1"), parse_micro(price)) == parse_micro(billed)
