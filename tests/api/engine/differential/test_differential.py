"""The compiled read path gives what the ordinary one gives: random operations, asked by viewers of every role.

Each run looks at other operations, printed by their seed; where a commit is judged (CI) they are the same each time.
`COMMONWATT_OPERATIONS=2000` runs as many, `COMMONWATT_SEED=...` begins where another run did.
"""

import gc
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import pytest
from graphql import parse, validate

from api.graphql.schema import make_schema
from domain.identity.viewers import Viewer
from tests.api import registers
from tests.api.engine import answers
from tests.api.engine.answers import Answer, Fault, at
from tests.api.engine.differential import documents, shrinking
from tests.api.engine.differential.compiled import Compiled, Piece
from tests.api.engine.differential.documents import Operation
from tests.api.engine.differential.site import MUCH, Site, a_site
from tests.api.engine.indexes import tall
from tests.conftest import Server

OPERATIONS = int(os.environ.get("COMMONWATT_OPERATIONS", "150"))
SEED = os.environ.get("COMMONWATT_SEED") or ("judged" if os.environ.get("CI") else secrets.token_hex(4))
VIEWERS_OF_EACH = 2
SHOWN_MAX = int(os.environ.get("COMMONWATT_SHOWN", "3"))
# A comparison of a path with itself proves nothing. An operation here has two root fields on the average, and one of
# ten fields is computed in Python.
COMPILED_WHOLE_MIN = 0.15  # Of the operations without errors.
COMPILED_FIELDS_MIN = 0.7  # Of the root fields that hold entities.
# Of those that were planned. A wrong argument below rows that are not there is no error, but the compiled path looks at
# it all the same and leaves the answer to the ordinary one.
GIVEN_UP_MAX = 0.04
OVERLOADED = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})  # The machine's answer, and not the operation's.
SECONDS_MAX = 120 + OPERATIONS
SCHEMA = make_schema()
CORE = SCHEMA._schema

pytestmark = pytest.mark.timeout(SECONDS_MAX)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """What is left behind is collected here, and not in the midst of a later test, which would fail of it."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
async def site(server: Server) -> AsyncIterator[Site]:
    async with a_site(server, SCHEMA) as site:
        yield site


@pytest.fixture(scope="module")
def compiled(site: Site) -> Compiled:
    return Compiled(SCHEMA, site.database)


def viewers_for(site: Site, seed: str) -> dict[str, Viewer]:
    """Some roles of a seed; one in four is who sees most."""
    random = Random(seed)
    names = random.sample(sorted(site.viewers), VIEWERS_OF_EACH)
    names[0] = MUCH if random.random() < 0.25 else names[0]
    return {name: site.viewers[name] for name in names}


def differences(ordinary: Answer, pieces: list[Piece] | None) -> list[str]:
    """In what the compiled pieces differ from the ordinary answer."""
    if pieces is None:
        return [] if ordinary.faults else ["variables are wrong, but the ordinary answer has no errors"]
    found = []
    for path, data in pieces:
        if path and at(ordinary.data, path[:-1]) is None:
            # Something beside it failed, or what it stands below is null: only its own errors can be compared.
            found += [f"{path} no error, but {fault}" for fault in _below(ordinary, path)]
            continue
        below = Answer(at(ordinary.data, path), _below(ordinary, path))
        found += [f"{path} {text}" for text in answers.differences(below, Answer(data))]
    return found


def _below(answer: Answer, path: tuple[str, ...]) -> tuple[Fault, ...]:
    """The errors at or below a path, seen from there."""
    return tuple(
        Fault(fault.path[len(path) :], fault.code, fault.message)
        for fault in answer.faults
        if fault.path[: len(path)] == path
    )


async def compare(site: Site, compiled: Compiled, operation: Operation, viewer: Viewer) -> list[str]:
    """In what the two answers to an operation differ."""
    ordinary = await site.ordinary(operation, viewer)
    if any(fault.code in OVERLOADED for fault in ordinary.faults):
        compiled.tally.unanswered += 1
        return []
    internal = [str(fault) for fault in ordinary.faults if fault.code == "INTERNAL"]
    try:
        pieces = await compiled.pieces(operation, viewer)
    except Exception as error:  # Shown with the smallest document, like any other difference.
        return [f"raised {error!r}"]
    compiled.count(operation, ordinary, pieces)
    found = internal or differences(ordinary, pieces)
    if not found and pieces and pieces[0][0]:  # Parts of it: as the transport does, put them into the rest.
        mixed = await site.ordinary(operation, viewer, compiled.prepared(operation))
        found = [f"mixed: {text}" for text in answers.differences(ordinary, mixed)]
    return found


async def explained(site: Site, operation: Operation, role: str, found: list[str]) -> str:
    """A failure, with the smallest document that still shows it."""

    async def still_fails(text: str) -> bool:
        return bool(await compare(site, Compiled(SCHEMA, site.database), operation.saying(text), site.viewers[role]))

    smallest = operation.saying(await shrinking.smallest(CORE, operation.text, still_fails))
    again = await compare(site, Compiled(SCHEMA, site.database), smallest, site.viewers[role])
    return "\n".join([f"{role}, {smallest}", *(again or found)[:10]])


async def test_compiled_and_ordinary_answers_are_the_same(site: Site, compiled: Compiled) -> None:
    print(f"seed {SEED}, {OPERATIONS} operations")  # noqa: T201 - shown when it fails, and with -s.
    failures: dict[str, tuple[Operation, str, list[str]]] = {}
    for number in range(OPERATIONS):
        operation = documents.operation(CORE, site.supplies, f"{SEED}.{number}")
        for role, viewer in viewers_for(site, operation.seed).items():
            found = await compare(site, compiled, operation, viewer)
            if found:
                failures[operation.seed] = (operation, role, found)

    print(compiled.tally)  # noqa: T201
    shortest = sorted(failures.values(), key=lambda failure: len(failure[0].text))
    shown = [await explained(site, *failure) for failure in shortest[:SHOWN_MAX]]
    assert not failures, f"COMMONWATT_SEED={SEED}, {len(failures)} operations failed\n" + "\n\n".join(shown)
    assert compiled.tally.whole_share >= COMPILED_WHOLE_MIN, str(compiled.tally)
    assert compiled.tally.fields_share >= COMPILED_FIELDS_MIN, str(compiled.tally)
    assert compiled.tally.unanswered <= OPERATIONS // 50, str(compiled.tally)
    assert compiled.tally.given_up_share <= GIVEN_UP_MAX, str(compiled.tally)


def test_operations_are_valid_and_a_seed_gives_one(site: Site) -> None:
    for number in range(50):
        seed = f"{SEED}.{number}"
        operation = documents.operation(CORE, site.supplies, seed)
        assert not validate(CORE, parse(operation.text)), operation
        assert documents.operation(CORE, site.supplies, seed) == operation


def test_every_kind_of_column_holds_odd_values(site: Site) -> None:
    unchanged = {
        f"{name}: {registers.file_of(tall.ROOMS[name.partition('.')[0]], 'reads')}"
        for name, count in site.changed.items()
        if count == 0
    }

    assert not unchanged
    assert len(site.changed) > 100


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": True}, {"a": 1}),
        ({"a": None}, {"a": ""}),
        ({"a": {"b": "1.0"}}, {"a": {"b": "1"}}),
    ],
    ids=["order of keys", "items", "kinds", "null", "texts"],
)
def test_a_difference_is_seen(one: Any, other: Any) -> None:
    assert answers.differences(Answer(one), Answer(other))
    assert not answers.differences(Answer(one), Answer(one))


async def test_a_failing_document_is_made_small() -> None:
    text = """
    query ($n: Int, $b: Boolean!) {
      communities(first: $n) { totalCount edges { cursor node { id name @include(if: $b) ...F } } }
      viewer { roles orders(first: 3) { edges { node { status side } } } }
    }
    fragment F on Community { version status }
    """

    async def still_fails(smaller: str) -> bool:
        return "side" in smaller

    smallest = await shrinking.smallest(CORE, text, still_fails)

    assert " ".join(smallest.split()) == "{ viewer { orders { edges { node { side } } } } }"
