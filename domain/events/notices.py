"""Notices: what a person should hear of, told in the transaction of the act; `notifications` makes messages of them.

An outbox below all contexts, so that any of them can tell, and none has to know how a person wants to be reached.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from domain.events.tables import Notice
from domain.kernel.database import new_id
from domain.kernel.sql import Part, Transaction
from domain.kernel.vocabularies import Word
from domain.kernel.writing import Insertion


@dataclass(frozen=True, slots=True)
class Saying:
    """A sentence that is said where facts are what `when` says. With `many`, it is said of one, and that of other
    counts than one, by the fact `by`; nothing is said of none.
    """

    text: str
    when: Mapping[str, Any] = field(default_factory=dict)
    many: str | None = None
    by: str = ""


Alternatives = Sequence[str | Saying]


def when(text: str, **facts: Any) -> Saying:
    """A sentence for these facts alone."""
    return Saying(text, facts)


def counted(one: str, many: str, *, by: str, **facts: Any) -> Saying:
    """A sentence for a count."""
    return Saying(one, facts, many, by)


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said of a kind of notice, in English: `domain.notifications.telling` fills it with facts, and its
    catalogues say it in other languages. `names`: of a fact, how its values are called, a few words within a sentence.
    """

    title: Alternatives
    body: Sequence[Alternatives]
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class NoticeKind(Word):
    """What a notice is about, and how it is told. Mailed, where nobody said otherwise, is what is rare and should not
    wait until the app is opened. `about`: facts that lead to what it is about, the narrowest first, and its entity.
    A letter goes by mail alone, at once and whatever was wished, to the fact `address`.
    """

    wording: Wording = Wording(("There is news for you",), [("There is news for you in Commonwatt.",)])
    is_mailed: bool = False
    is_letter: bool = False
    about: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something that one user should hear of; `facts` are ids, micro-units, ISO instants, and words that people wrote.

    `amount_ueur` is what the user gets, and below zero what the user pays.
    """

    user_id: UUID
    kind: NoticeKind
    facts: Mapping[str, Any] = field(default_factory=dict)


class NoticeRow(NamedTuple):
    """A notice as it is stored, its facts as JSON."""

    id: UUID
    user_id: UUID
    kind: NoticeKind
    facts: str


async def tell(transaction: Transaction, notices: Iterable[NewNotice]) -> None:
    """Leave notices for their users in the caller's transaction."""
    await TOLD.write(transaction, [_row(notice) for notice in notices])


def telling(notices: Iterable[NewNotice]) -> Part:
    """Stores notices; gives the part of the caller's next statement."""
    return TOLD.part([_row(notice) for notice in notices])


TOLD = Insertion("notice_told", NoticeRow, Notice)


def _row(notice: NewNotice) -> NoticeRow:
    return NoticeRow(new_id(), notice.user_id, notice.kind, json.dumps(dict(notice.facts), default=str))
