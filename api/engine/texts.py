"""Statements as text for asyncpg, and where the values of their parameters come from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects.postgresql import asyncpg

from api.engine.arguments import Given
from domain.identity.viewers import PARAMETER, Viewer, value_of

DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Statement:
    """A text and the sources of its parameters, in order: what brings the value, where in it, and how it is bound."""

    text: str
    sources: tuple[tuple[str, Any, Any], ...]

    def values(self, given: Mapping[int, Given], keys: Mapping[str, Any], viewer: Viewer) -> list[Any]:
        """The values of all parameters."""
        found = []
        for origin, place, bound in self.sources:
            if origin == "site":
                value = given[place[0]].values[place[1]]
            elif origin == "viewer":
                value = value_of(viewer, place)
            else:
                value = keys[place] if origin == "key" else place
            found.append(bound(value) if bound else value)
        return found


def statement_of(query: Select[*tuple[Any, ...]]) -> Statement:
    """A query as text: `site:<number>:<position>`, `viewer:<attribute>` and `key:<name>` are filled in at each run."""
    compiled: Any = query.compile(dialect=DIALECT)
    return Statement(compiled.string, tuple(_source(compiled.binds[name], name) for name in compiled.positiontup or ()))


def _source(bind: Any, name: str) -> tuple[str, Any, Any]:
    process = bind.type.dialect_impl(DIALECT).bind_processor(DIALECT)
    origin, _, place = name.partition(":")
    if origin == "site":
        number, _, position = place.partition(":")
        return ("site", (int(number), int(position)), process)
    if origin + ":" == PARAMETER:
        return ("viewer", name, process)
    if origin == "key":
        return ("key", place, process)
    return ("constant", process(bind.effective_value) if process else bind.effective_value, None)
