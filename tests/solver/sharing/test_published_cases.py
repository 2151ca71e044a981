"""Worked examples of `regulation.md` section 8.2 and of others' engines, in kWh, exact to the micro-kWh.

Where a source gives a periodic decimal we hold the largest-remainder rounding of it to six decimals.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pytest

from domain.kernel.quantities import MicroKwh
from solver.sharing.allocations import Allocation, allocate, offered_ukwh
from solver.sharing.keys import (
    EQUAL,
    EQUAL_UNTIL_MET,
    PRO_RATA,
    Key,
    hybrid,
    luxembourg,
    percentage,
    percentage_until_met,
    priority,
)
from solver.sharing.layers import SharingGroup, allocate_layers
from solver.sharing.problems import AllocationProblem
from solver.sharing.statutory import shared_ukwh

Kwh: TypeAlias = Sequence[float]


def ukwh(*kwh: float) -> MicroKwh:
    """Exact for the decimals used here."""
    return np.array([round(value * 1_000_000) for value in kwh], np.int64)


def ppm(*percent: float) -> MicroKwh:
    return np.array([round(value * 10_000) for value in percent], np.int64)


def a_problem(produced: Kwh, consumed: Kwh, key: Key, production_key: Key = PRO_RATA) -> AllocationProblem:
    return AllocationProblem(
        withdrawn_ukwh=ukwh(*consumed)[np.newaxis],
        injected_ukwh=ukwh(*produced)[np.newaxis],
        consumption_key=key,
        production_key=production_key,
        consumer_tie_break=np.arange(len(consumed)),
        producer_tie_break=np.arange(len(produced)),
    )


def shared(produced: Kwh, consumed: Kwh, key: Key, production_key: Key = PRO_RATA) -> Allocation:
    return allocate(a_problem(produced, consumed, key, production_key))


def assert_shares(allocation: Allocation, received: Kwh, surplus: float) -> None:
    np.testing.assert_array_equal(allocation.shared_in_ukwh[0], ukwh(*received))
    np.testing.assert_array_equal(allocation.surplus_ukwh, ukwh(surplus))


def test_lu_a_neighbours_receive_what_the_owner_leaves() -> None:
    layers = allocate_layers(
        ukwh(0.2, 0.5)[np.newaxis],
        ukwh(0.5)[np.newaxis],
        [
            SharingGroup("AIR", consumers=np.array([0]), producers=np.array([0])),
            SharingGroup("ACR", consumers=np.array([1]), producers=np.array([0])),
        ],
        consumer_tie_break=np.arange(2),
        producer_tie_break=np.arange(1),
    )

    np.testing.assert_array_equal(layers.allocations[1].shared_in_ukwh, [ukwh(0.3)])
    np.testing.assert_array_equal(layers.remaining_withdrawn_ukwh, [ukwh(0, 0.2)])


@pytest.mark.parametrize(
    ("key", "consumed", "received", "surplus"),
    [
        (PRO_RATA, (2, 1, 3), (1, 0.5, 1.5), 0),
        (priority(np.array([0, 1, 2])), (2, 1, 3), (2, 1, 0), 0),
        (priority(np.array([2, 1, 0])), (2, 1, 3), (0, 0, 3), 0),
        (percentage(ppm(50, 30, 20)), (2, 1, 3), (1.5, 0.9, 0.6), 0),
        (percentage(ppm(50, 30, 20)), (2, 1, 0.2), (1.5, 0.9, 0.2), 0.4),
    ],
)
def test_lu_b_keys(key: Key, consumed: Kwh, received: Kwh, surplus: float) -> None:
    assert_shares(shared([3], consumed, key), received, surplus)
    assert_shares(shared([3], consumed, luxembourg(key)), received, surplus)


def test_luxembourg_covers_every_consumer_when_production_exceeds_consumption() -> None:
    key = percentage(ppm(50, 30, 20))

    assert_shares(shared([3], (2, 0.5, 0.2), luxembourg(key)), (2, 0.5, 0.2), 0.3)
    assert_shares(shared([3], (2, 0.5, 0.2), key), (1.5, 0.5, 0.2), 0.8)


@pytest.mark.parametrize(
    ("production_key", "given", "residual"),
    [(PRO_RATA, (2, 1), (2, 1)), (priority(np.array([1, 0])), (1, 2), (3, 0))],
)
def test_lu_c_production_side(production_key: Key, given: Kwh, residual: Kwh) -> None:
    allocation = shared((4, 2), [3], PRO_RATA, production_key)

    np.testing.assert_array_equal(allocation.shared_out_ukwh[0], ukwh(*given))
    np.testing.assert_array_equal(allocation.residual_injected_ukwh[0], ukwh(*residual))


def test_production_key_decides_nothing_when_all_is_shared() -> None:
    allocation = shared((4, 2), [7], PRO_RATA, priority(np.array([1, 0])))

    np.testing.assert_array_equal(allocation.shared_out_ukwh, [ukwh(4, 2)])


def test_production_percentages_that_do_not_add_up_are_closed_pro_rata() -> None:
    allocation = shared((4, 2), [3], PRO_RATA, percentage(ppm(10, 20)))

    # 0.3 and 0.6 first; the missing 2.1 in proportion to the 3.7 and 1.4 left.
    np.testing.assert_array_equal(allocation.shared_out_ukwh, [ukwh(1.823529, 1.176471)])


def test_lu_d_layers() -> None:
    withdrawn, injected = ukwh(1, 1.5, 3)[np.newaxis], ukwh(5)[np.newaxis]
    plant = np.array([0])
    groups = [SharingGroup(name, np.array([i]), plant) for i, name in enumerate(("AIR", "ACR", "CEL"))]

    layers = allocate_layers(withdrawn, injected, groups, np.arange(3), np.arange(1))

    received = [int(allocation.shared_in_ukwh.sum()) for allocation in layers.allocations]
    assert received == [1_000_000, 1_500_000, 2_500_000]
    np.testing.assert_array_equal(layers.remaining_withdrawn_ukwh, [ukwh(0, 0, 0.5)])
    np.testing.assert_array_equal(layers.remaining_injected_ukwh, [ukwh(0)])
    assert_shares(shared([5], (1, 1.5, 3), priority(np.array([0, 1, 2]))), (1, 1.5, 2.5), 0)


def test_fr_a_priority() -> None:
    allocation = shared([1.0], (0.4, 0.8), priority(np.array([1, 2])))

    assert_shares(allocation, (0.4, 0.6), 0)
    np.testing.assert_array_equal(allocation.residual_withdrawn_ukwh, [ukwh(0, 0.2)])


def test_fr_b_static_and_default() -> None:
    assert_shares(shared([10], (3, 9), percentage(ppm(50, 50))), (3, 5), 2)
    assert_shares(shared([10], (3, 9), PRO_RATA), (2.5, 7.5), 0)


def test_fr_dynamic_simple_takes_coefficients_per_interval() -> None:
    problem = AllocationProblem(
        withdrawn_ukwh=np.tile(ukwh(3, 9), (2, 1)),
        injected_ukwh=np.tile(ukwh(10), (2, 1)),
        consumption_key=percentage(np.array([ppm(50, 50), ppm(10, 90)])),
        consumer_tie_break=np.arange(2),
        producer_tie_break=np.arange(1),
    )

    np.testing.assert_array_equal(allocate(problem).shared_in_ukwh, [ukwh(3, 5), ukwh(1, 9)])


def test_es_a_betas() -> None:
    problem = a_problem([10], (4, 7), percentage(ppm(60, 40)))

    allocation, offered = allocate(problem), offered_ukwh(problem)

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [ukwh(4, 4)])
    np.testing.assert_array_equal(offered - allocation.shared_in_ukwh, [ukwh(2, 0)])
    np.testing.assert_array_equal(allocation.residual_withdrawn_ukwh, [ukwh(0, 3)])


@pytest.mark.parametrize(
    ("key", "received", "surplus"),
    [
        (percentage(ppm(25, 25, 25, 25)), (1, 2, 2.5, 2.5), 2),
        (EQUAL, (1, 2, 2.5, 2.5), 2),
        (percentage_until_met(ppm(25, 25, 25, 25)), (1, 2, 3.5, 3.5), 0),
        (EQUAL_UNTIL_MET, (1, 2, 3.5, 3.5), 0),
        (hybrid(ppm(25, 25, 25, 25)), (1, 2, 2.928571, 4.071429), 0),
    ],
)
def test_be_a_rounds(key: Key, received: Kwh, surplus: float) -> None:
    assert_shares(shared([10], (1, 2, 4, 8), key), received, surplus)


@pytest.mark.parametrize(("key", "grid", "feed_in"), [(percentage(ppm(50, 50)), (0, 4), 2), (PRO_RATA, (0.5, 1.5), 0)])
def test_de_a_constant_and_variable(key: Key, grid: Kwh, feed_in: float) -> None:
    allocation = shared([10], (3, 9), key)

    np.testing.assert_array_equal(allocation.residual_withdrawn_ukwh, [ukwh(*grid)])
    np.testing.assert_array_equal(allocation.surplus_ukwh, ukwh(feed_in))


def test_pt_a_hierarchical() -> None:
    assert_shares(shared([5], (2, 1, 4), priority(np.array([1, 1, 2]))), (2, 1, 2), 0)
    assert_shares(shared([1.5], (2, 1, 4), priority(np.array([1, 1, 2]))), (1, 0.5, 0), 0)


def test_at_a_deficit() -> None:
    problem = a_problem([0.121], (0.024, 0.001, 0.106, 0.082), PRO_RATA)

    expected = [ukwh(0.013634, 0.000568, 0.060216, 0.046582)]
    np.testing.assert_array_equal(offered_ukwh(problem), expected)
    np.testing.assert_array_equal(allocate(problem).shared_in_ukwh, expected)


def test_at_b_surplus() -> None:
    problem = a_problem([0.464], (0.010, 0.002, 0.162, 0.118), PRO_RATA)

    np.testing.assert_array_equal(offered_ukwh(problem), [ukwh(0.015890, 0.003178, 0.257425, 0.187507)])
    assert_shares(allocate(problem), (0.010, 0.002, 0.162, 0.118), 0.172)


def test_at_participation_factor_limits_both_sides() -> None:
    problem = AllocationProblem(
        withdrawn_ukwh=np.array([[3, 9_000_001]]),
        injected_ukwh=np.array([[10_000_000]]),
        consumption_key=PRO_RATA,
        consumer_tie_break=np.arange(2),
        producer_tie_break=np.arange(1),
        withdrawn_participation_ppm=ppm(50, 50),
        injected_participation_ppm=ppm(80),
    )

    allocation = allocate(problem)

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[1, 4_500_000]])
    np.testing.assert_array_equal(allocation.surplus_ukwh, [8_000_000 - 4_500_001])
    np.testing.assert_array_equal(allocation.residual_injected_ukwh, [[10_000_000 - 4_500_001]])


def test_gsy_static_coefficients_share_what_the_homes_leave() -> None:
    """gsy-e: home 1 produces 7 and uses 5 of it, home 2 uses 7; 60 % and 40 % of the 2 left go to 0 and 7."""
    layers = allocate_layers(
        ukwh(5, 7)[np.newaxis],
        ukwh(7)[np.newaxis],
        [
            SharingGroup("AIR", np.array([0]), np.array([0])),
            SharingGroup("CEL", np.array([0, 1]), np.array([0]), percentage(ppm(60, 40))),
        ],
        np.arange(2),
        np.arange(1),
    )

    np.testing.assert_array_equal(layers.allocations[1].problem.injected_ukwh, [ukwh(2)])
    np.testing.assert_array_equal(offered_ukwh(layers.allocations[1].problem), [ukwh(1.2, 0.8)])
    np.testing.assert_array_equal(layers.allocations[1].shared_in_ukwh, [ukwh(0, 0.8)])
    np.testing.assert_array_equal(layers.remaining_injected_ukwh, [ukwh(1.2)])


def test_it_b_shared_energy_of_an_hour() -> None:
    np.testing.assert_array_equal(shared_ukwh(ukwh(80)[:, np.newaxis], ukwh(60)[:, np.newaxis], 1), ukwh(60))


def test_it_c_takes_the_minimum_of_the_hour_not_of_its_quarters() -> None:
    injected, withdrawn = ukwh(2, 0, 0, 0), ukwh(0.5, 0.5, 0.5, 0.5)

    np.testing.assert_array_equal(shared_ukwh(injected[:, np.newaxis], withdrawn[:, np.newaxis], 4), ukwh(2))


def test_it_d_shares_each_hour_for_itself() -> None:
    injected, withdrawn = ukwh(50, 80, 30)[:, np.newaxis], ukwh(40, 100, 30)[:, np.newaxis]

    np.testing.assert_array_equal(shared_ukwh(injected, withdrawn, 1), ukwh(40, 80, 30))


def test_it_h_older_plants_are_served_first_and_equal_dates_pro_rata() -> None:
    """Seniority (section 2.4) is a priority key on the plants, with the day of commissioning as rank."""
    by_age = priority(np.array([20220101, 20240101]))
    same_day = priority(np.array([20240101, 20240101]))

    np.testing.assert_array_equal(shared((30, 40), [50], PRO_RATA, by_age).shared_out_ukwh, [ukwh(30, 20)])
    np.testing.assert_array_equal(
        shared((30, 40), [50], PRO_RATA, same_day).shared_out_ukwh, [ukwh(21.428571, 28.571429)]
    )
