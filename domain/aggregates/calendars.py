"""Calendars: what is in which sum on each day, as arrays, because every day asks for all of it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import numpy as np

from domain.aggregates.atoms import NOBODY, Summed
from domain.aggregates.sets import Members, Subject, Taking
from domain.metering.tables import Direction


class Numbering(dict[UUID, int]):
    """A number for each id, given when first asked for."""

    def __missing__(self, id: UUID) -> int:
        self[id] = len(self)
        return self[id]


class Numbers:
    """Points and persons by number."""

    def __init__(self) -> None:
        self.points, self.persons = Numbering(), Numbering()

    def summed(self, members: Members) -> Summed:
        """What is added up, by number."""
        points = [self.points[point] for point in members.points]
        persons = [NOBODY if person is None else self.persons[person] for person in members.persons]
        return Summed(*(np.array(each, np.int64) for each in (points, members.factors_ppm, persons)))


class Calendar:
    """Takings of one direction, in the order of their subjects."""

    def __init__(self, takings: Iterable[Taking], order: Sequence[Subject], numbers: Numbers, way: Direction) -> None:
        place = {subject: number for number, subject in enumerate(order)}
        mine = [taking for taking in takings if taking.direction is way and taking.subject in place]
        mine.sort(key=lambda taking: (place[taking.subject], numbers.points[taking.metering_point_id]))
        self._order = order
        self._place = np.array([place[taking.subject] for taking in mine], np.int64)
        self._point = np.array([numbers.points[taking.metering_point_id] for taking in mine], np.int64)
        self._factor = np.array([taking.factor_ppm for taking in mine], np.int64)
        behind = [NOBODY if each.person_id is None else numbers.persons[each.person_id] for each in mine]
        self._person = np.array(behind, np.int64)
        self._first = np.array([taking.valid_from.toordinal() for taking in mine], np.int64)
        self._end = np.array([(taking.valid_to or date.max).toordinal() for taking in mine], np.int64)

    def on(self, day: date) -> Mapping[Subject, Summed]:
        """The sums that are of anything on a day, in order."""
        (held,) = np.nonzero((self._first <= day.toordinal()) & (day.toordinal() < self._end))
        place, point = self._place[held], self._point[held]
        is_new = np.ones(len(held), bool)  # A point that is in two communities is in its zone once.
        is_new[1:] = (place[1:] != place[:-1]) | (point[1:] != point[:-1])
        held, place = held[is_new], place[is_new]
        places, starts = np.unique(place, return_index=True)
        parts = np.split(held, starts)[1:]  # The first part is what comes before the first start.
        return {
            self._order[place]: Summed(self._point[part], self._factor[part], self._person[part])
            for place, part in zip(places, parts, strict=True)
        }


def connected(takings: Sequence[Taking], points: Iterable[UUID]) -> set[Subject]:
    """The subjects that lead to some points by the points they share, over however many others."""
    numbers, subjects = Numbering(), {subject: n for n, subject in enumerate({each.subject for each in takings})}
    subject = np.array([subjects[each.subject] for each in takings], np.int64)
    point = np.array([numbers[each.metering_point_id] for each in takings], np.int64)
    is_reached = np.zeros(len(numbers), bool)
    is_reached[[numbers[each] for each in points if each in numbers]] = True
    while True:
        has = np.bincount(subject[is_reached[point]], minlength=len(subjects)) > 0
        before, is_reached[point[has[subject]]] = is_reached.sum(), True
        if is_reached.sum() == before:
            return {each for each, number in subjects.items() if has[number]}
