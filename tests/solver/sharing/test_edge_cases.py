"""Edges of `regulation.md` section 8.3 that concern sharing, and input that is refused."""

from typing import Any

import numpy as np
import pytest

from domain.kernel.errors import InvalidValue
from solver.sharing.allocations import allocate, offered_ukwh
from solver.sharing.keys import (
    PRO_RATA,
    Fixed,
    Key,
    Priority,
    luxembourg,
    percentage,
    percentage_until_met,
    priority,
)
from solver.sharing.problems import INTERVAL_UKWH_MAX, POINTS_MAX, AllocationProblem
from solver.sharing.statutory import shared_ukwh
from tests.strategies import KEYS

HALVES = np.array([500_000, 500_000])


def a_problem(**overrides: Any) -> AllocationProblem:
    """Two consumers, one producer, two intervals."""
    values: dict[str, Any] = {
        "withdrawn_ukwh": np.array([[4, 6], [5, 5]]),
        "injected_ukwh": np.array([[5], [20]]),
        "consumption_key": PRO_RATA,
        "consumer_tie_break": np.array([1, 2]),
        "producer_tie_break": np.array([1]),
    }
    return AllocationProblem(**(values | overrides))


@pytest.mark.parametrize("name", KEYS)
def test_nothing_is_shared_without_production_or_without_consumption(name: str) -> None:
    key = KEYS[name](HALVES, np.array([1, 2]))

    without_production = allocate(a_problem(consumption_key=key, injected_ukwh=np.zeros((2, 1), np.int64)))
    without_consumption = allocate(a_problem(consumption_key=key, withdrawn_ukwh=np.zeros((2, 2), np.int64)))

    assert not without_production.shared_in_ukwh.any()
    assert not without_consumption.shared_in_ukwh.any()
    np.testing.assert_array_equal(without_consumption.surplus_ukwh, [5, 20])


@pytest.mark.parametrize("name", KEYS)
def test_one_member_with_the_whole_share_receives_what_there_is(name: str) -> None:
    key = KEYS[name](np.array([1_000_000]), np.array([1]))
    withdrawn, one = np.array([[7], [5]]), np.array([1])

    allocation = allocate(a_problem(withdrawn_ukwh=withdrawn, consumption_key=key, consumer_tie_break=one))

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[5], [5]])


@pytest.mark.parametrize("key", [PRO_RATA, luxembourg(PRO_RATA)])
def test_no_consumer_no_producer_and_no_interval_are_fine(key: Key) -> None:
    none = np.array([], np.int64)
    empty = a_problem(
        withdrawn_ukwh=np.zeros((0, 0), np.int64),
        injected_ukwh=np.zeros((0, 0), np.int64),
        consumption_key=key,
        consumer_tie_break=none,
        producer_tie_break=none,
    )
    nobody = a_problem(withdrawn_ukwh=np.zeros((2, 0), np.int64), consumption_key=key, consumer_tie_break=none)

    assert allocate(empty).shared_in_ukwh.shape == (0, 0)
    np.testing.assert_array_equal(allocate(nobody).surplus_ukwh, [5, 20])


def test_member_that_joins_within_the_period_shares_from_then_on() -> None:
    joining = np.array([[1_000_000, 0], [1_000_000, 1_000_000]])

    allocation = allocate(a_problem(withdrawn_participation_ppm=joining))

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[4, 0], [5, 5]])


def test_shares_that_add_up_to_less_than_the_whole_leave_the_rest_with_the_producers() -> None:
    shares = np.array([500_000, 499_000])
    withdrawn, injected = np.array([[2_000_000, 2_000_000]]), np.array([[1_000_000]])

    allocation = allocate(
        a_problem(withdrawn_ukwh=withdrawn, injected_ukwh=injected, consumption_key=percentage(shares))
    )

    np.testing.assert_array_equal(allocation.shared_in_ukwh, [[500_000, 499_000]])
    np.testing.assert_array_equal(allocation.surplus_ukwh, [1_000])


def test_point_without_a_share_receives_nothing_in_several_rounds() -> None:
    key = percentage_until_met(np.array([0, 400_000]))

    np.testing.assert_array_equal(allocate(a_problem(consumption_key=key)).shared_in_ukwh, [[0, 5], [0, 5]])


def test_days_of_92_and_100_quarter_hours_are_whole_hours() -> None:
    for quarters in (92, 96, 100):
        energy = np.ones((quarters, 1), np.int64)

        np.testing.assert_array_equal(shared_ukwh(energy, energy, 4), np.full(quarters // 4, 4))


@pytest.mark.parametrize(
    ("overrides", "path", "reason"),
    [
        ({"withdrawn_ukwh": np.array([[0.5, 1.0]])}, ("withdrawn_ukwh",), "must be an array of 64-bit integers"),
        ({"injected_ukwh": np.array([5, 20])}, ("injected_ukwh",), "has 1 dimensions instead of 2"),
        ({"injected_ukwh": np.array([[5]])}, ("injected_ukwh",), "1 intervals, but withdrawn_ukwh has 2"),
        ({"consumer_tie_break": np.array([1])}, ("consumer_tie_break",), "1 numbers for 2 points"),
        ({"consumer_tie_break": np.array([3, 3])}, ("consumer_tie_break",), "3 is given to more than one point"),
        ({"producer_tie_break": np.array([1, 2])}, ("producer_tie_break",), "2 numbers for 1 points"),
        (
            {"withdrawn_participation_ppm": np.array([1_000_001, 0])},
            ("withdrawn_participation_ppm",),
            "1000001 ppm is not between 0 and 1000000",
        ),
        (
            {"injected_participation_ppm": np.array([1, 2])},
            ("injected_participation_ppm",),
            "shape (2,) is neither (1,) nor (2, 1): points, or intervals and points",
        ),
        ({"consumption_key": ()}, ("consumption_key",), "has no round"),
        ({"consumption_key": ("PRO_RATA",)}, ("consumption_key", "0"), "str is not a round"),
        (
            {"consumption_key": (*PRO_RATA, Fixed(np.array([500_000, 501_000])))},
            ("consumption_key", "1", "share_ppm"),
            "shares add up to 1001000 ppm, more than 1000000",
        ),
        (
            {"consumption_key": percentage(np.array([[1, 2], [3, 1_000_000]]))},
            ("consumption_key", "0", "share_ppm"),
            "shares add up to 1000003 ppm in interval 1, more than 1000000",
        ),
        (
            {"consumption_key": percentage(np.array([-1, 2]))},
            ("consumption_key", "0", "share_ppm"),
            "-1 ppm is not between 0 and 1000000",
        ),
        (
            {"consumption_key": percentage(np.array([1, 2, 3]))},
            ("consumption_key", "0", "share_ppm"),
            "shape (3,) is neither (2,) nor (2, 2): points, or intervals and points",
        ),
        (
            {"production_key": priority(np.array([1, 2]))},
            ("production_key", "0", "rank"),
            "2 ranks for 1 points",
        ),
    ],
)
def test_refuses_a_problem_that_makes_no_sense(overrides: dict[str, Any], path: tuple[str, ...], reason: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        a_problem(**overrides)

    assert (refusal.value.path, refusal.value.message) == (path, reason)


def test_refuses_more_points_than_sums_can_hold() -> None:
    with pytest.raises(InvalidValue, match=f"131072 points, more than {POINTS_MAX}"):
        a_problem(withdrawn_ukwh=np.zeros((2, 2**17), np.int64), consumer_tie_break=np.arange(2**17))


@pytest.mark.parametrize(
    ("withdrawn", "reason"),
    [
        ([[4, 6], [5, -5]], "interval 1, point 1 is negative: -5 micro-kWh"),
        ([[4, 6], [1, INTERVAL_UKWH_MAX]], f"interval 1 holds more than {INTERVAL_UKWH_MAX} micro-kWh"),
        ([[2**63 - 1, 2**63 - 1], [0, 0]], f"interval 0 holds more than {INTERVAL_UKWH_MAX} micro-kWh"),
    ],
)
def test_refuses_values_beyond_the_bounds(withdrawn: list[list[int]], reason: str) -> None:
    problem = a_problem(withdrawn_ukwh=np.array(withdrawn))

    for ask in (allocate, offered_ukwh):
        with pytest.raises(InvalidValue) as refusal:
            ask(problem)
        assert (refusal.value.path, refusal.value.message) == (("withdrawn_ukwh",), reason)


def test_names_the_interval_of_the_period_not_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solver.sharing.allocations.BLOCK_VALUES", 1)

    with pytest.raises(InvalidValue, match="interval 1, point 0 is negative: -20 micro-kWh"):
        allocate(a_problem(injected_ukwh=np.array([[5], [-20]])))


@pytest.mark.parametrize("into", [np.zeros((2, 3), np.int64), np.zeros((2, 2)), np.zeros((2, 2), np.int64).T[:, ::-1]])
def test_refuses_an_output_that_does_not_fit(into: Any) -> None:
    with pytest.raises(InvalidValue, match="must be writable C-ordered int64 of shape"):
        allocate(a_problem(), into=into)


@pytest.mark.parametrize("key", [priority(np.array([1, 2])), percentage_until_met(HALVES), (Fixed(HALVES), *PRO_RATA)])
def test_states_offers_only_for_keys_that_have_them(key: Key) -> None:
    with pytest.raises(InvalidValue, match="an offer exists only for keys of one equal, fixed or pro rata round"):
        offered_ukwh(a_problem(consumption_key=key))


@pytest.mark.parametrize(
    ("quarters", "per_hour", "reason"),
    [(7, 4, "7 intervals are not whole hours of 4"), (4, 3, "3 is not 1, 2 or 4")],
)
def test_refuses_an_hour_that_is_not_complete(quarters: int, per_hour: int, reason: str) -> None:
    energy = np.ones((quarters, 1), np.int64)

    with pytest.raises(InvalidValue, match=reason):
        shared_ukwh(energy, energy, per_hour)


def test_refuses_statutory_energy_of_unequal_periods() -> None:
    with pytest.raises(InvalidValue, match="4 intervals, but withdrawn_ukwh has 8"):
        shared_ukwh(np.ones((4, 1), np.int64), np.ones((8, 1), np.int64), 4)


def test_distinct_ranks_equal_a_priority_of_levels() -> None:
    """All ranks distinct takes a shorter path than ranks held in common."""
    withdrawn = np.array([[4, 6, 0], [5, 5, 0]])
    distinct, common = np.array([9, 7, 8]), np.array([9, 7, 9])

    received = [
        allocate(
            a_problem(
                withdrawn_ukwh=withdrawn, consumption_key=(Priority(rank),), consumer_tie_break=np.array([1, 2, 3])
            )
        ).shared_in_ukwh
        for rank in (distinct, common)
    ]

    np.testing.assert_array_equal(received[0], [[0, 5, 0], [5, 5, 0]])
    np.testing.assert_array_equal(received[1], received[0])
