"""The compiled way to run an operation, and how much of it there was."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import DocumentNode, OperationDefinitionNode, OperationType, parse
from strawberry import Schema

from api.engine import plans
from api.engine.plans import Plans, Prepared
from api.resources.database import Database
from domain.identity.viewers import Viewer
from tests.api.engine.answers import Answer, at
from tests.api.engine.differential.documents import Operation

HOLD_NONE = frozenset({"__typename", "__schema", "__type", "rateLimit", "viewer"})
Piece = tuple[tuple[str, ...], Any]  # A path in the answer, and what was compiled for it.


@dataclass
class Tally:
    """How operations were answered, and which root fields were compiled."""

    whole: int = 0
    partly: int = 0
    not_at_all: int = 0
    faulty: int = 0  # The ordinary answer has errors: the compiled path leaves these to it.
    unanswered: int = 0  # The machine was too slow.
    fields: Counter[str] = field(default_factory=Counter)
    compiled_fields: Counter[str] = field(default_factory=Counter)
    given_up: Counter[str] = field(default_factory=Counter)  # Planned, but not answered; by the root fields.

    @property
    def whole_share(self) -> float:
        """Of the operations without errors, those that were compiled whole."""
        return self.whole / max(1, self.whole + self.partly + self.not_at_all)

    @property
    def fields_share(self) -> float:
        """Of the root fields that hold entities, those that were compiled."""
        names = self.fields.keys() - HOLD_NONE
        return sum(self.compiled_fields[name] for name in names) / max(1, sum(self.fields[name] for name in names))

    @property
    def given_up_share(self) -> float:
        """Of the planned root fields, those not answered; but of ids, for only their values tell what is selected."""
        names = self.fields.keys() - HOLD_NONE - {"node", "nodes"}
        given_up, answered = (sum(each[name] for name in names) for each in (self.given_up, self.compiled_fields))
        return given_up / max(1, given_up + answered)

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {self.compiled_fields[name]}/{self.fields[name]}" for name in sorted(self.fields))
        counts = f"{self.whole} whole, {self.partly} partly, {self.not_at_all} not at all, {self.faulty} with errors"
        counts += f", {self.unanswered} unanswered"
        return f"{counts}; root fields: {shares}; given up: {dict(+self.given_up)}"


class Compiled:
    """Plans as the transport keeps them: one per document, shared by all who ask."""

    def __init__(self, schema: Schema, database: Database) -> None:
        self.plans = Plans(schema)
        self.database = database
        self.operations: dict[tuple[str, str | None], plans.Operation] = {}
        self.tally = Tally()

    def prepared(self, operation: Operation) -> Prepared | None:
        """The plan of an operation with its variables."""
        key = (operation.text, operation.name)
        if key not in self.operations:
            document = parse(operation.text)
            self.operations[key] = self.plans.operation(document, _operation_of(document, operation.name))
        return self.plans.prepared(self.operations[key], operation.variables)

    async def pieces(self, operation: Operation, viewer: Viewer) -> list[Piece] | None:
        """What was compiled: the whole answer, or parts of it; None where the variables are wrong."""
        prepared = self.prepared(operation)
        if prepared is None:
            return None
        whole = await prepared.answer(self.database, viewer)
        if whole is not None:
            return [((), orjson.loads(whole))]
        found: list[Piece] = []
        for path in prepared.plan.parts:
            text = await prepared.part(path, self.database, viewer)
            if text is not None:
                found.append((path, orjson.loads(text)))
        return found

    def count(self, operation: Operation, ordinary: Answer, pieces: list[Piece] | None) -> None:
        """Note how an operation was answered."""
        tally, prepared = self.tally, self.prepared(operation)
        if ordinary.faults or prepared is None:
            tally.faulty += 1
            return
        paths = {path for path, _ in pieces or ()}
        tally.whole += () in paths
        tally.partly += bool(paths) and () not in paths
        tally.not_at_all += not paths
        for key, name in _root_fields(self.plans, self.operations[operation.text, operation.name], prepared):
            if at(ordinary.data, (key,)) is not None:
                tally.fields[name] += 1
                is_compiled = () in paths or any(path[:1] == (key,) for path in paths)
                tally.compiled_fields[name] += is_compiled
                tally.given_up[name] += (key,) in prepared.plan.parts and not is_compiled


def _operation_of(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    for node in document.definitions:
        if isinstance(node, OperationDefinitionNode) and (name is None or (node.name and node.name.value == name)):
            assert node.operation is OperationType.QUERY
            return node
    raise LookupError(name)


def _root_fields(these: Plans, operation: plans.Operation, prepared: Prepared) -> list[tuple[str, str]]:
    """Response keys and names of the root fields."""
    roots = these._selector(operation, prepared.variables).roots()
    return [(key, fields[0].node.name.value) for key, fields in roots.items()]
