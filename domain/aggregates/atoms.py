"""Atoms: people divided by which published sets they are in, and whether one more set may join. Pure."""

from collections.abc import Collection, Iterable
from uuid import UUID

from domain.kernel.suppression import Suppression

PERSONS_MIN = 5


class Atoms:
    """People cut by the sets that were admitted. `uncounted` stand for metering points without a person."""

    def __init__(self, uncounted: Iterable[UUID] = ()) -> None:
        self._uncounted = frozenset(uncounted)
        self._atom_of: dict[UUID, int] = {}
        self._atoms: dict[int, set[UUID]] = {}
        self._made = 0

    def refuses(self, persons: Collection[UUID], persons_min: int = PERSONS_MIN) -> Suppression | None:
        """Why a set may not join: it is too small, or it would leave an atom that is; None where it may."""
        if self._count(persons) < persons_min:
            return Suppression.FEWER_THAN_FIVE
        smallest = min(map(self._count, self._pieces(persons)))
        return Suppression.DIFFERENCE if smallest < persons_min else None

    def admit(self, persons: Collection[UUID]) -> None:
        """Cut the atoms by a set."""
        for piece in self._cut(persons):
            self._made += 1
            self._atoms[self._made] = piece
            for person in piece:
                atom = self._atom_of.get(person)
                if atom is not None:
                    self._atoms[atom].discard(person)
                self._atom_of[person] = self._made

    def sizes(self) -> list[int]:
        """How many persons each atom counts that is not empty."""
        return [self._count(atom) for atom in self._atoms.values() if atom]

    def _pieces(self, persons: Collection[UUID]) -> Iterable[set[UUID]]:
        """What a set would make of the atoms it touches: what is in it, and what stays outside."""
        for piece in self._cut(persons):
            yield piece
            atom = self._atom_of.get(next(iter(piece)))
            if atom is not None and len(piece) < len(self._atoms[atom]):
                yield self._atoms[atom] - piece

    def _cut(self, persons: Collection[UUID]) -> list[set[UUID]]:
        """A set by the atoms that its people are in; those in none are a piece of their own."""
        pieces: dict[int | None, set[UUID]] = {}
        for person in persons:
            pieces.setdefault(self._atom_of.get(person), set()).add(person)
        return list(pieces.values())

    def _count(self, persons: Collection[UUID]) -> int:
        return sum(person not in self._uncounted for person in persons) if self._uncounted else len(persons)
