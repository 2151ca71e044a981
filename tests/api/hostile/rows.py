"""A row of the table of bad input: what is sent, and the answer it gets."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

JSON = {"content-type": "application/json", "accept": "application/graphql-response+json"}
STRONGEST = "platform administrator"  # Who could do most harm.
IdOf = Callable[[str, str], str]
METER, ADMINISTRATOR = "meter gateway", "administrator"
NOBODYS = "01890000-0000-7000-8000-000000000000"  # No row has this key.


@dataclass(frozen=True)
class Sent:
    """A request over HTTP, or the frames of a socket."""

    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    path: str = "/graphql"
    method: str = "POST"
    role: str = STRONGEST
    frames: Sequence[str | bytes] | None = None


@dataclass(frozen=True)
class Row:
    """`status` is that of HTTP, or the code with which a socket is closed; `says` is a part of the message."""

    what: str
    sent: Callable[[IdOf], Sent]
    status: int
    code: str
    says: str


@dataclass(frozen=True)
class Section:
    """Rows under one title of the document, at its end unless a place is given.

    Those of several rooms under one title follow each other by their places.
    """

    title: str
    rows: Sequence[Row]
    place: int = 1_000


def body(content: bytes | str, **more: Any) -> Callable[[IdOf], Sent]:
    """A request with exactly these bytes."""
    return lambda id_of: Sent(content if isinstance(content, bytes) else content.encode(), **more)


def asked(query: str, variables: Any = None, role: str = STRONGEST) -> Callable[[IdOf], Sent]:
    """A document; `variables` may be a function of what gives ids."""

    def sent(id_of: IdOf) -> Sent:
        given = variables(id_of) if callable(variables) else variables
        return Sent(json.dumps({"query": query, "variables": given}).encode(), role=role)

    return sent


def done(name: str, input: Any, role: str = STRONGEST) -> Callable[[IdOf], Sent]:
    """A mutation with an input that may be a function of what gives ids."""
    kind = f"{name[0].upper()}{name[1:]}Input"
    document = f"mutation M($input: {kind}!) {{ {name}(input: $input) {{ errors {{ code message path }} }} }}"
    return asked(document, lambda id_of: {"input": input(id_of) if callable(input) else input}, role)


def framed(*frames: Any, role: str = STRONGEST) -> Callable[[IdOf], Sent]:
    """Frames of a socket after it was opened and acknowledged; objects are sent as JSON."""

    def sent(id_of: IdOf) -> Sent:
        made = [frame(id_of) if callable(frame) else frame for frame in frames]
        return Sent(role=role, frames=[each if isinstance(each, str | bytes) else json.dumps(each) for each in made])

    return sent


def period(start: str, end: str) -> dict[str, str]:
    return {"start": start, "end": end}


def of(entity: str, row: str, /, **more: Any) -> Any:
    """Variables with the id of a row of the world."""
    return lambda id_of: {"id": id_of(entity, row), **more}


JANUARY = period("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
BACKWARDS = period("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
AGES = period("0002-01-01T00:00:00Z", "9998-12-31T00:00:00Z")


def subscribed(query: str, **more: Any) -> dict[str, Any]:
    """The frame that starts a subscription."""
    return {"id": "1", "type": "subscribe", "payload": {"query": query, **more}}


def to_a(mutation: str, **input: Any) -> Any:
    """A mutation in community A; callables give ids."""

    def values(id_of: IdOf) -> dict[str, Any]:
        given = {name: value(id_of) if callable(value) else value for name, value in input.items()}
        return {"communityId": id_of("Community", "A"), **given}

    return done(mutation, values)
