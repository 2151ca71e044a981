"""Atoms: no combination of admitted sums tells of fewer than five persons."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.aggregates.atoms import PERSONS_MIN, Atoms
from domain.kernel.suppression import Suppression
from tests.domain.aggregates.solving import solvable

PERSONS = [UUID(int=number) for number in range(1, 31)]
SETS = st.lists(st.sets(st.sampled_from(PERSONS), min_size=1), max_size=8)


@given(SETS)
def test_no_person_can_be_solved_for_from_admitted_sums(sets: list[set[UUID]]) -> None:
    atoms, told = Atoms(), []
    for each in sets:
        if atoms.refuses(each) is None:
            atoms.admit(each)
            told.append(each)

    assert all(size >= PERSONS_MIN for size in atoms.sizes())
    assert solvable(told) == set()


@given(SETS)
def test_atoms_are_those_in_exactly_the_same_sets(sets: list[set[UUID]]) -> None:
    atoms = Atoms()
    for each in sets:
        atoms.admit(each)

    signatures = [tuple(person in each for each in sets) for person in PERSONS]
    expected = sorted(signatures.count(one) for one in set(signatures) if any(one))
    assert sorted(atoms.sizes()) == expected


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (PERSONS[:4], Suppression.FEWER_THAN_FIVE),
        (PERSONS[:6], Suppression.DIFFERENCE),  # Leaves four of the ten.
        (PERSONS[8:20], Suppression.DIFFERENCE),  # Two of the ten are in it.
        (PERSONS[:5], None),
        (PERSONS[:10], None),
        (PERSONS[10:15], None),
        (PERSONS[5:20], None),
    ],
)
def test_a_set_that_leaves_few_is_refused(candidate: list[UUID], reason: Suppression | None) -> None:
    atoms = Atoms()
    atoms.admit(PERSONS[:10])

    assert atoms.refuses(candidate) is reason


def test_points_without_a_person_count_as_nobody() -> None:
    nobody = UUID(int=99)
    atoms = Atoms({nobody})

    assert atoms.refuses([*PERSONS[:4], nobody]) is Suppression.FEWER_THAN_FIVE
    atoms.admit([*PERSONS[:5], nobody])
    assert atoms.refuses(PERSONS[:5]) is Suppression.DIFFERENCE  # Less this, the sum would tell the points alone.


def test_what_can_be_solved_for_is_found() -> None:
    """A sum and one that lacks a person tell that person, and three pairs of three tell all."""
    a, b, c = PERSONS[:3]

    assert solvable([{a, b, c}, {a, b}]) == {c}
    assert solvable([{a, b}, {b, c}, {a, c}]) == {a, b, c}
    assert solvable([{a, b}, {b, c}]) == set()
