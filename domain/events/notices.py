"""Notices: what a person should hear of, told in the transaction of the act; `notifications` makes messages of them.

An outbox below all contexts, so that any of them can tell, and none has to know how a person wants to be reached.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.kernel import sql
from domain.kernel.database import new_id
from domain.kernel.sql import Part, Transaction
from domain.kernel.vocabularies import Word

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


async def tell(transaction: Transaction, notices: Iterable[NewNotice]) -> None:
    """Leave notices for their users in the caller's transaction."""
    given = list(notices)
    if given:
        await sql.write(transaction, telling(given))


def telling(notices: Iterable[NewNotice]) -> Part:
    """Stores notices; gives the part of the caller's next statement."""
    given = list(notices)
    values = {
        "notice_ids": [new_id() for _ in given],
        "notice_users": [notice.user_id for notice in given],
        "notice_kinds": [notice.kind.value for notice in given],
        "notice_facts": [json.dumps(dict(notice.facts), default=str) for notice in given],
    }
    return Part(TOLD, values, "true AS is_noticed")


TOLD = """
notice_told AS (
    INSERT INTO notice (id, user_id, kind, facts)
    SELECT id, user_id, kind, CAST(facts AS jsonb)
    FROM unnest(CAST(:notice_ids AS uuid[]), CAST(:notice_users AS uuid[]), CAST(:notice_kinds AS text[]),
                CAST(:notice_facts AS text[])) AS told (id, user_id, kind, facts))"""
