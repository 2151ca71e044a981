"""Atoms: no combination of admitted sums tells of fewer than five persons."""

from collections import Counter, defaultdict
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.atoms import NOBODY, PERSONS_MIN, Atoms, Summed
from domain.kernel.suppression import Suppression
from tests.domain.aggregates.solving import solvable

POINTS = 36
WHOLE, HALF = 1_000_000, 500_000
# A person for each point; some have two.
PERSON_OF = {point: point % 30 for point in range(POINTS)}
SUMS = st.lists(st.dictionaries(st.sampled_from(range(POINTS)), st.sampled_from([WHOLE, HALF]), min_size=1), max_size=7)
FEW, DIFFERENCE = Suppression.FEWER_THAN_FIVE, Suppression.DIFFERENCE


def summed(factors: dict[int, int]) -> Summed:
    persons = [PERSON_OF.get(point, NOBODY) for point in factors]
    return Summed(*(np.array(list(each), np.int64) for each in (factors, factors.values(), persons)))


def whole(points: range | list[int], ppm: int = WHOLE) -> Summed:
    return summed(dict.fromkeys(points, ppm))


@given(SUMS)
def test_no_person_can_be_solved_for_from_admitted_sums(sums: list[dict[int, int]]) -> None:
    atoms, told = Atoms(POINTS), []
    for each in sums:
        if atoms.refuses(summed(each)) is None:
            atoms.admit(summed(each))
            told.append(each)

    assert all(size >= PERSONS_MIN for size in atoms.sizes())
    assert solvable(told, PERSON_OF) == set()


@given(SUMS)
def test_atoms_are_points_that_all_sums_weigh_in_the_same_proportion(sums: list[dict[int, int]]) -> None:
    atoms = Atoms(POINTS)
    for each in sums:
        atoms.admit(summed(each))

    persons = defaultdict(set)
    for point in range(POINTS):
        factors = [Fraction(each.get(point, 0)) for each in sums]
        first = next((factor for factor in factors if factor), None)
        if first:
            persons[tuple(factor / first for factor in factors)].add(PERSON_OF[point])
    assert Counter(atoms.sizes()) == Counter(map(len, persons.values()))


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (whole(range(4)), FEW),
        (whole([0, 1, 2, 3, 30, 31]), FEW),  # Points of four persons.
        (whole(range(6)), DIFFERENCE),  # Leaves four of the ten.
        (whole(range(8, 20)), DIFFERENCE),  # Two of the ten are in it.
        (whole([*range(10), 30]), DIFFERENCE),  # Less the ten it is the second point of one of them.
        (summed(dict.fromkeys(range(9), HALF) | {9: WHOLE}), DIFFERENCE),  # Less half the ten, half of one of them.
        (whole(range(5)), None),
        (whole(range(10)), None),
        (whole(range(10), HALF), None),
        (whole(range(10, 15)), None),
        (summed(dict.fromkeys(range(10, 14), HALF) | {14: WHOLE}), DIFFERENCE),
        (whole(range(5, 20)), None),
    ],
)
def test_a_sum_that_leaves_few_is_refused(candidate: Summed, reason: Suppression | None) -> None:
    atoms = Atoms(POINTS)
    atoms.admit(whole(range(10)))
    if reason is DIFFERENCE and candidate.points.min() == 10:
        atoms.admit(whole(range(10, 15)))

    assert atoms.refuses(candidate) is reason


def test_points_without_a_person_count_as_nobody() -> None:
    nobodys = POINTS
    atoms = Atoms(POINTS + 1)

    assert atoms.refuses(whole([0, 1, 2, 3, nobodys])) is FEW
    atoms.admit(whole([0, 1, 2, 3, 4, nobodys]))
    assert atoms.refuses(whole(range(5))) is DIFFERENCE  # Less this, the sum would tell the point alone.


def test_what_can_be_solved_for_is_found() -> None:
    """The difference of two sums, of weighted ones, of a person's two points; not where two are always together."""
    a, b, c = {0: 1, 1: 1, 2: 1}, {0: 1, 1: 1}, {0: 2, 1: 1}

    assert solvable([a, b], PERSON_OF) == {2}
    assert solvable([b, c], PERSON_OF) == {0, 1}
    assert solvable([{0: 1, 30: 1}, {1: 1}], PERSON_OF) == {0, 1}
    assert solvable([a], PERSON_OF) == set()
    assert solvable([b], PERSON_OF, {1}) == {0}
