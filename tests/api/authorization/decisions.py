"""What a room decides on: who sees its rows, and what cannot be read from the schema but is asked to find out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.authorization.people import EVERYBODY, Seen

IdOf = Callable[[str, str], str]
Target = tuple[str, str] | None
EVER = '{start: "2000-01-01T00:00:00Z", end: "2100-01-01T00:00:00Z"}'
PERIOD = {"start": "2026-01-31T23:00:00Z", "end": "2026-02-28T23:00:00Z"}
TOLD, SILENT, UNAUTHENTICATED, REFUSED = "TOLD", "SILENT", "UNAUTHENTICATED", "BAD_USER_INPUT"


def told_to_all(role: str, is_seen: bool) -> str:
    """What a subscription tells that is for everybody who is signed in."""
    return UNAUTHENTICATED if role == "nobody" else TOLD


@dataclass(frozen=True)
class Followed:
    """A subscription to rows of a kind: its document for an id, and what a role is told first.

    `document` also takes what gives the start of a stream of the row's by its name; `expected` takes a role and
    whether it sees the row.
    """

    entity: str
    document: Callable[[str, Callable[[str], str]], str]
    expected: Callable[[str, bool], str] = told_to_all


@dataclass(frozen=True)
class Given:
    """Input of a mutation; `hidden` names, for each kind of id in it, a row that some role does not see.

    Inputs name only what the roles they are tried with may not see, so that nothing is done.
    """

    values: Callable[[Callable[[str], str]], Mapping[str, Any]] = lambda id: {}
    hidden: Mapping[str, str] = field(default_factory=dict)
    kind: str | None = None

    def input_type(self, mutation: str) -> str:
        return self.kind or f"{mutation[0].upper()}{mutation[1:]}Input"

    def input(self, id_of: IdOf, ids: Mapping[str, str]) -> Mapping[str, Any]:
        """The input with the given ids, and those of what everybody sees."""
        return self.values(lambda entity: ids.get(entity) or id_of(entity, self.hidden[entity]))


@dataclass(frozen=True, kw_only=True)
class WhoSees:
    """What a room decides on. Nothing of it may be derived from the predicates that it tests.

    expected: by entity, who sees which row of the world. Platform administrators see everything and are not named,
    but for kinds in `not_even_root`. narrower: the same for lists with a predicate of their own, narrower than the
    entity's. computed: fields that lead to rows by code of their own, and the row they lead to, if nothing were
    hidden. reviewed: computed fields that read nothing but their own row, and those with a test of their own.
    filters: for each condition of a filter over rows that not everybody sees, a value and the rows it matches.
    let_in: by REST route, and the community it is asked for, who is let in. Others get 403, nobody 401; a community
    that is hidden from them is "no such community". read: routes that are read, with GET. signed: routes that believe
    a signature alone, whoever else asks, each with the settings it is served by.
    """

    expected: Mapping[str, Seen] = field(default_factory=dict)
    not_even_root: frozenset[str] = frozenset()
    narrower: Mapping[str, Seen] = field(default_factory=dict)
    computed: Mapping[str, Callable[[str], Target]] = field(default_factory=dict)
    reviewed: frozenset[str] = frozenset()
    filters: Mapping[tuple[str, str], tuple[Callable[[IdOf], str], set[str]]] = field(default_factory=dict)
    subscriptions: Mapping[str, Followed] = field(default_factory=dict)
    mutations: Mapping[str, Given] = field(default_factory=dict)
    let_in: Mapping[tuple[str, str | None], frozenset[str]] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    signed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        roles = [seen for rows in self.expected.values() for seen in rows.values()]
        assert all(seen <= EVERYBODY for seen in roles), "there is no such role"


def leads_to_nothing_hidden(row: str) -> Target:
    """For fields that lead to what everybody sees or to what is the viewer's own, or that have tests of their own."""
    return None
