"""What rooms declare is whole: each word has one room, and each kind of job a function that does it."""

from collections import Counter
from collections.abc import Callable, Sequence

import pytest

from api import house
from api.graphql.mutations import ErrorCode
from api.graphql.rooms import Room
from api.jobs.work import FUNCTIONS
from domain.events.notices import NoticeKind
from domain.jobs.tables import JobKind
from domain.kernel.vocabularies import Word

ROOMS = list(house.rooms())
WORDS: dict[type[Word], Callable[[Room], Sequence[Word]]] = {
    ErrorCode: lambda room: room.refusals,
    JobKind: lambda room: room.jobs,
    NoticeKind: lambda room: room.notices,
}


@pytest.mark.parametrize("vocabulary", WORDS, ids=lambda vocabulary: vocabulary.__name__)
def test_every_word_is_declared_by_one_room(vocabulary: type[Word]) -> None:
    declared = Counter(word for room in ROOMS for word in WORDS[vocabulary](room))

    assert set(vocabulary) - set(declared) == set(), "say in `ROOM` of the room whose words they are"
    assert [word for word, count in declared.items() if count > 1] == []


def test_every_kind_of_job_has_a_function_that_does_it() -> None:
    house.load_jobs()

    assert set(JobKind) == set(FUNCTIONS)


def test_every_description_of_an_enum_stands_in_one_room() -> None:
    assert [kind for kind, count in Counter(kind for room in ROOMS for kind in room.enums).items() if count > 1] == []
