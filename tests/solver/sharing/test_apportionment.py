"""Where a floating-point quotient lands on the wrong side of a whole number, the remainder puts it right."""

from math import gcd
from random import Random

import numpy as np
import pytest

from solver.sharing.apportionment import _take_quotas, apportion

LARGEST = 2**46


def quotients_next_to_whole_numbers(random: Random) -> tuple[int, int, list[int]]:
    """Pool, whole and two weights that add up to it; pool * weight leaves a remainder of whole - 1 and of 1."""
    while True:
        whole, pool = random.randrange(LARGEST // 2, LARGEST), random.randrange(LARGEST // 2, LARGEST)
        if gcd(pool, whole) == 1:
            weight = -pow(pool, -1, whole) % whole
            return pool, whole, [weight, whole - weight]


def whole_quotients(random: Random) -> tuple[int, int, list[int]]:
    """Pool, whole and two weights that add up to it; pool * weight is a multiple of the whole."""
    unit, parts = random.randrange(3, 2**20), random.randrange(3, 2**20)
    weight = unit * random.randrange(1, parts)
    return parts * random.randrange(1, 2**20), unit * parts, [weight, unit * parts - weight]


@pytest.mark.parametrize("instance", [quotients_next_to_whole_numbers, whole_quotients])
def test_quotas_are_floors_and_remainders_exact(instance: object) -> None:
    random, corrected = Random(46), 0
    for _ in range(500):
        pool, whole, weights = instance(random)  # type: ignore[operator]
        quota, remainder = np.zeros(2, np.int64), np.zeros(2, np.int64)

        extra = _take_quotas(np.int64(pool), np.array(weights), np.int64(whole), quota, remainder)

        assert [divmod(pool * weight, whole) for weight in weights] == list(
            zip(quota.tolist(), remainder.tolist(), strict=True)
        )
        assert int(quota.sum()) + extra == pool
        corrected += any(int(weight * (pool / whole)) != pool * weight // whole for weight in weights)
    assert corrected > 0  # The instances are hard enough to need it.


def test_the_larger_of_nearly_equal_quotients_gets_the_unit() -> None:
    random = Random(2026)
    for _ in range(500):
        pool, whole, weights = quotients_next_to_whole_numbers(random)
        parts = np.zeros((1, 2), np.int64)

        apportion(np.array([pool]), np.array([weights]), np.array([whole]), np.arange(2), parts)

        assert parts.tolist() == [[pool * weights[0] // whole + 1, pool * weights[1] // whole]]


def test_clusters_of_remainders_and_many_ties_are_cut_at_the_right_place() -> None:
    """Remainders in two far clusters and long runs of equal ones defeat interpolation alone."""
    random = np.random.default_rng(7)
    for _ in range(50):
        low, high = random.integers(0, 4, 400), random.integers(10**12, 10**12 + 4, 300)
        weight = random.permutation(np.concatenate([low, high]))
        whole, turn = int(weight.sum()), random.permutation(weight.size)
        pool = int(random.integers(1, whole))
        parts = np.zeros((1, weight.size), np.int64)

        apportion(np.array([pool]), weight[np.newaxis], np.array([whole]), turn, parts)

        place = np.argsort(turn)
        exact = [divmod(pool * int(own), whole) for own in weight]
        order = sorted(range(weight.size), key=lambda i: (-exact[i][1], place[i]))
        expected = np.array([quota for quota, _ in exact])
        expected[order[: pool - int(expected.sum())]] += 1
        np.testing.assert_array_equal(parts[0], expected)
