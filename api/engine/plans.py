"""Operation plans: what is kept of an operation, so that answering it again is coercing variables and one statement.

A plan belongs to one operation of one document and to the values of its `@skip` and `@include` variables. It holds
the compiled parts by their path in the answer: root fields, and fields of the engine below a field computed in Python
(`viewer { jobs }`, `placeOrder { order }`). No viewer's value is ever in a text or in a plan.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import (
    DirectiveNode,
    DocumentNode,
    GraphQLError,
    GraphQLObjectType,
    OperationDefinitionNode,
    OperationType,
    VariableNode,
    Visitor,
    get_nullable_type,
    visit,
)
from graphql.execution.values import VariableValues
from sqlalchemy import true
from strawberry import Schema

from api.engine.arguments import Arguments
from api.engine.declarations import ENTITIES, MARK, ById, Edge, Many
from api.engine.emitters import Refused
from api.engine.parts import (
    Asker,
    Compiler,
    EntityPart,
    NodesPart,
    PagePart,
    PlanPart,
    Proof,
    Reading,
    Statements,
)
from api.engine.selections import Fields, Selector, strawberry_field
from api.engine.variables import Variables
from api.transport.documents.plans import NotStanding
from api.transport.terms.errors import CodedError
from domain.identity.viewers import Viewer

Path = tuple[str, ...]
PLANS_MAX = 16  # Of one operation: values of its directive variables.
DEPTH_MAX = 4
ORDINARY = (Refused, CodedError, GraphQLError)  # What the ordinary path is left to answer.


@dataclass(frozen=True)
class Plan:
    """The compiled parts of an operation. `root_keys` are set where the parts are all there is to it."""

    parts: Mapping[Path, PlanPart]
    root_keys: tuple[str, ...] = ()


@dataclass
class Operation:
    """One operation of a document with its plans."""

    document: DocumentNode
    node: OperationDefinitionNode
    variables: Variables
    directive_variables: tuple[str, ...]
    plans: OrderedDict[tuple[Any, ...], Plan] = field(default_factory=OrderedDict)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with the variables of one request."""

    plan: Plan
    variables: VariableValues

    @property
    def is_whole(self) -> bool:
        """Whether it answers all of the operation, and not only parts of it."""
        return bool(self.plan.root_keys)

    async def answer(self, database: Reading, viewer: Viewer) -> bytes | None:
        """JSON of the whole `data`, None where the ordinary path has to answer. Raises NotStanding."""
        keys = self.plan.root_keys
        asker = Asker(database, self.variables, viewer, viewer.shape)
        try:
            reads = [self.plan.parts[(key,)].read(asker) for key in keys]
            found = [await reads[0]] if len(reads) == 1 else await asyncio.gather(*reads)
        except ORDINARY:
            return None
        if not keys or any(text is None for text in found):
            return None
        pairs = zip(keys, found, strict=True)
        return ("{" + ",".join(f'"{key}":{text}' for key, text in pairs) + "}").encode()

    async def part(self, path: Path, database: Reading, viewer: Viewer, key: UUID | None = None) -> str | None:
        """JSON of the part at a path; None where the ordinary path has to answer.

        `key` is that of the entity to which an edge of a payload leads.
        """
        part = self.plan.parts.get(path)
        asker = Asker(database, self.variables, viewer, viewer.shape)
        try:
            if isinstance(part, EntityPart):
                return None if key is None else await part.of(key, asker)
            return None if part is None else await part.read(asker)
        except (*ORDINARY, NotStanding):
            return None


class Plans:
    """Makes plans for operations of one schema."""

    def __init__(self, schema: Schema, proof: Proof = lambda shape: true()) -> None:
        self.core = schema._schema
        self.compiler = Compiler(Arguments(schema), proof, Statements())

    def operation(self, document: DocumentNode, node: OperationDefinitionNode) -> Operation:
        """An operation without plans yet."""
        return Operation(document, node, Variables(self.core, document, node), _directive_variables(document))

    def prepared(self, operation: Operation, variables: Mapping[str, Any]) -> Prepared | None:
        """The operation's plan for these variables; None where the variables are not as declared."""
        values = operation.variables.coerced(variables)
        if values is None:
            return None
        key = tuple(values.coerced.get(name) for name in operation.directive_variables)
        plan = operation.plans.get(key)
        if plan is None:
            plan = operation.plans[key] = self._plan(operation, values)
            if len(operation.plans) > PLANS_MAX:
                operation.plans.popitem(last=False)
        return Prepared(plan, values)

    def _plan(self, operation: Operation, values: VariableValues) -> Plan:
        if operation.node.operation is OperationType.SUBSCRIPTION:
            return Plan({})
        parts: dict[Path, PlanPart] = {}
        selector = self._selector(operation, values)
        root = self.core.get_root_type(operation.node.operation)
        assert root is not None
        roots = selector.roots()
        for key, fields in roots.items():
            self._add(parts, (key,), root, fields, operation, values)
        is_whole = operation.node.operation is OperationType.QUERY and all((key,) in parts for key in roots)
        return Plan(parts, tuple(roots) if is_whole else ())

    def _selector(self, operation: Operation, values: VariableValues) -> Selector:
        return Selector(self.core, operation.document, operation.node, values)

    def _add(
        self,
        parts: dict[Path, PlanPart],
        path: Path,
        kind: GraphQLObjectType,
        fields: Fields,
        operation: Operation,
        values: VariableValues,
    ) -> None:
        """Add the part of a field, or of fields below it where the field itself is computed in Python."""
        name = fields[0].node.name.value
        if name.startswith("__") or len(path) > DEPTH_MAX:
            return
        selector = self._selector(operation, values)
        try:
            part = self._part(selector, kind, name, fields)
        except ORDINARY:
            return
        if part is not None:
            parts[path] = part
            return
        below = get_nullable_type(kind.fields[name].type)
        if isinstance(below, GraphQLObjectType) and below.name not in ENTITIES:
            for key, inner in selector.below(below, fields).items():
                self._add(parts, (*path, key), below, inner, operation, values)

    def _part(self, selector: Selector, kind: GraphQLObjectType, name: str, fields: Fields) -> PlanPart | None:
        """The compiled form of a field; None where it has none of its own. Raises Refused."""
        mark = strawberry_field(kind, name).metadata.get(MARK)
        match mark:
            case Many(on=None):
                return PagePart(self.compiler, selector, kind, fields)
            case Edge(key=None):
                return EntityPart(self.compiler, selector, mark.target, fields)
            case ById():
                return NodesPart(self.compiler, selector, kind, fields)
        return None


def _directive_variables(document: DocumentNode) -> tuple[str, ...]:
    """Variables that decide what is selected, by `@skip` or `@include`."""
    names: set[str] = set()

    class Directives(Visitor):
        def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
            values = (argument.value for argument in node.arguments or ())
            names.update(value.name.value for value in values if isinstance(value, VariableNode))

    visit(document, Directives())
    return tuple(sorted(names))
