"""What came of an operation, and whether two ways to run it came to the same."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError

from api.resources.failures import KNOWN
from api.transport.terms import errors

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Fault:
    """An error as a client tells it from others."""

    path: Path
    code: str
    message: str


@dataclass(frozen=True)
class Answer:
    """Data as parsed from its JSON, and the errors."""

    data: Any
    faults: tuple[Fault, ...] = ()


def answer_of(data: Any, found: Sequence[GraphQLError] | None) -> Answer:
    """The answer of an execution, its errors coded as the transport codes them."""
    faults = []
    for error in found or ():
        coded = errors.coded(error, KNOWN)
        code = str((coded.extensions or {}).get("code"))
        faults.append(Fault(tuple(coded.path or ()), code, coded.message))
    return Answer(orjson.loads(orjson.dumps(data)), tuple(faults))


def differences(ordinary: Answer, compiled: Answer) -> list[str]:
    """In what two answers differ, in words; nothing where a client could not tell them apart."""
    return [*_in_data(ordinary.data, compiled.data, ()), *_in_faults(ordinary, compiled)]


def _in_data(one: Any, other: Any, path: Path) -> Iterator[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        if list(one) != list(other):
            yield f"{path}: keys {list(one)} and {list(other)}"
        for key in one.keys() & other.keys():
            yield from _in_data(one[key], other[key], (*path, key))
    elif isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            yield f"{path}: {len(one)} and {len(other)} items"
        for number, (left, right) in enumerate(zip(one, other, strict=False)):
            yield from _in_data(left, right, (*path, number))
    elif isinstance(one, bool) is not isinstance(other, bool) or one != other:
        yield f"{path}: {one!r} and {other!r}"


def _in_faults(ordinary: Answer, compiled: Answer) -> Iterator[str]:
    """Of several faults below one place that became null, the specification asks for one at least.

    Items of a list below it are one as good as the other, and so are fields beside each other: which of them fails
    first is chance. Of one field the fault is the same.
    """
    left, right = _by_null_place(ordinary), _by_null_place(compiled)
    for place in sorted({*left, *right}, key=str):
        one, other = left.get(place, set()), right.get(place, set())
        if not one & other and not _are_beside(one, other):
            yield f"errors at {place}: {sorted(map(str, one))} and {sorted(map(str, other))}"


def _are_beside(one: set[Fault], other: set[Fault]) -> bool:
    """Whether faults are of other fields each, below a place that is null because of either."""
    return bool(one and other) and {fault.path for fault in one}.isdisjoint(fault.path for fault in other)


def _by_null_place(answer: Answer) -> dict[Path, set[Fault]]:
    """Faults by the place that is null because of them."""
    found: dict[Path, set[Fault]] = {}
    for fault in answer.faults:
        place = _null_place(answer.data, fault.path)
        below = tuple(key for key in fault.path[len(place) :] if isinstance(key, str))
        found.setdefault(place, set()).add(Fault((*place, *below), fault.code, fault.message))
    return found


def _null_place(data: Any, path: Path) -> Path:
    for length, key in enumerate(path):
        if data is None:
            return path[:length]
        data = data[key]
    return path


def at(data: Any, path: Sequence[str | int]) -> Any:
    """What stands at a path; None below a null."""
    for key in path:
        data = None if data is None else data[key]
    return data
