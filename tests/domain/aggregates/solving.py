"""Solve for one person: whose value can be computed from sums over sets, by linear algebra over the rationals."""

from collections.abc import Collection, Sequence
from fractions import Fraction
from uuid import UUID


def solvable(sets: Sequence[Collection[UUID]], known: Collection[UUID] = ()) -> set[UUID]:
    """Persons whose value follows from the sums over the sets and the values that are known; the known are left out.

    A value follows where its unit vector is a combination of the rows, so where reduced rows hold it alone.
    """
    persons = sorted({person for each in sets for person in each} - set(known))
    rows = [[Fraction(person in each) for person in persons] for each in sets]
    found: set[UUID] = set()
    for row in _reduced(rows):
        places = [place for place, value in enumerate(row) if value]
        if len(places) == 1:
            found.add(persons[places[0]])
    return found


def _reduced(rows: list[list[Fraction]]) -> list[list[Fraction]]:
    """Reduced row echelon form: a unit vector in the row space is a row of it."""
    rows, done = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((place for place in range(done, len(rows)) if rows[place][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for place, row in enumerate(rows):
            if place != done and row[column]:
                rows[place] = [a - row[column] * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    return rows[:done]
