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

Alternatives = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wording:
    """What is said of a kind of notice: `domain.notifications.texts` says how it is filled with facts."""

    title: Alternatives
    body: Sequence[Alternatives]


class NoticeKind(Word):
    """What a notice is about, and how it is told. Mailed, where nobody said otherwise, is what is rare and should not
    wait until the app is opened.
    """

    wording: Wording = Wording(("There is news for you",), [("There is news for you in Commonwatt.",)])
    is_mailed: bool = False


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something that one user should hear of; `facts` are ids, micro-units and ISO instants, never texts to show."""

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
