"""Solve for one person: whose readings can be computed from weighted sums, by linear algebra over the rationals."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Sum = Mapping[Any, int]  # How much of each point is in a sum.


def solvable(sums: Sequence[Sum], persons: Mapping[Any, Any], known: Collection[Any] = ()) -> set[Any]:
    """Persons of whose points something follows from the sums and from what `known` persons know of their own.

    Something follows of a person where a combination of the sums is of that person's points alone: where leaving these
    out lowers the rank. `persons` tells who is behind each point.
    """
    points = sorted({point for each in sums for point in each if persons[point] not in known})
    others = {who: [point for point in points if persons[point] != who] for who in {persons[point] for point in points}}
    whole = _rank(sums, points)
    return {who for who, rest in others.items() if _rank(sums, rest) < whole}


def _rank(sums: Iterable[Sum], points: Sequence[Any]) -> int:
    rows, rank = [[Fraction(each.get(point, 0)) for point in points] for each in sums], 0
    for column in range(len(points)):
        pivot = next((place for place in range(rank, len(rows)) if rows[place][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for place in range(rank + 1, len(rows)):
            if rows[place][column]:
                times = rows[place][column] / rows[rank][column]
                rows[place] = [a - times * b for a, b in zip(rows[place], rows[rank], strict=True)]
        rank += 1
    return rank
