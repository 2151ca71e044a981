"""Atoms: metering points divided by which published sums they are in, and whether one more sum may join. Pure.

A sum weighs each point: a community by its participation factor, a zone wholly. Points that all sums weigh in the same
proportion are one atom, so that every combination of sums is a combination of atoms; where each has five persons, none
tells of fewer. Points are numbers below a count; so are persons.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt

from domain.kernel.suppression import Suppression

PERSONS_MIN = 5
NONE = 0  # The atom of points in no sum: nothing tells of them, so that what is left of it may be few.
NOBODY = -1  # The person behind a point that nobody takes part with: it counts as none.

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Summed:
    """What is added up: points without repetition, the millionths of each, and who is behind it."""

    points: Numbers
    factors_ppm: Numbers
    persons: Numbers


def in_order(sets: Sequence[Collection[UUID]]) -> list[Suppression | None]:
    """Why each of some sums over persons may not be told beside those before it; None where it may."""
    numbers = {person: place for place, person in enumerate({person for each in sets for person in each})}
    atoms, found = Atoms(len(numbers)), []
    for each in sets:
        persons = np.array([numbers[person] for person in each], np.int64)
        summed = Summed(persons, np.ones_like(persons), persons)
        refusal = atoms.refuses(summed) if len(persons) else Suppression.FEWER_THAN_FIVE
        if refusal is None:
            atoms.admit(summed)
        found.append(refusal)
    return found


class Atoms:
    """So many points, cut by the sums that were admitted."""

    def __init__(self, points_count: int) -> None:
        self._persons = np.full(points_count, NOBODY, np.int64)
        self._atom_of = np.full(points_count, NONE, np.int64)
        self._first_ppm = np.zeros(points_count, np.int64)  # The factor in the first sum that a point was in.
        self._made = NONE

    def refuses(self, summed: Summed, persons_min: int = PERSONS_MIN) -> Suppression | None:
        """Why a sum may not join: it is of too few, or it would leave an atom that is; None where it may."""
        self._know(summed)
        if self._counts(np.zeros_like(summed.points), summed.points).min() < persons_min:
            return Suppression.FEWER_THAN_FIVE
        pieces, _ = self._cut(summed)
        smallest = self._counts(pieces, summed.points).min()
        stays = np.isin(self._atom_of, self._atom_of[summed.points]) & (self._atom_of != NONE)
        stays[summed.points] = False
        if stays.any():
            (points,) = np.nonzero(stays)
            smallest = min(smallest, self._counts(self._atom_of[points], points).min())
        return Suppression.DIFFERENCE if smallest < persons_min else None

    def admit(self, summed: Summed) -> None:
        """Cut the atoms by a sum."""
        self._know(summed)
        pieces, count = self._cut(summed)
        points = summed.points
        self._first_ppm[points] = np.where(self._atom_of[points] == NONE, summed.factors_ppm, self._first_ppm[points])
        self._atom_of[points] = self._made + 1 + pieces
        self._made += count

    def sizes(self) -> list[int]:
        """How many persons each atom counts that is not empty."""
        (points,) = np.nonzero(self._atom_of != NONE)
        return [int(count) for count in self._counts(self._atom_of[points], points)] if len(points) else []

    def _know(self, summed: Summed) -> None:
        is_known = summed.persons != NOBODY
        self._persons[summed.points[is_known]] = summed.persons[is_known]

    def _cut(self, summed: Summed) -> tuple[Numbers, int]:
        """Which piece of an atom each point is in, and how many there are: by atom and proportion to its first sum."""
        atoms, factors = self._atom_of[summed.points], summed.factors_ppm
        first = np.where(atoms == NONE, factors, self._first_ppm[summed.points])
        common = np.gcd(factors, first)
        codes = (atoms << 40) | ((factors // common) << 20) | (first // common)  # Millionths take 20 bits.
        found, pieces = np.unique(codes, return_inverse=True)
        return pieces, len(found)

    def _counts(self, groups: Numbers, points: Numbers) -> Numbers:
        """How many persons each group of points has."""
        persons = self._persons[points]
        names, places = np.unique(groups, return_inverse=True)
        pairs = np.unique(np.stack([places, persons])[:, persons != NOBODY], axis=1)
        return np.bincount(pairs[0], minlength=len(names))
