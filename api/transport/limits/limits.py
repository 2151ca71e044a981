"""Refuses documents that would cost too much, before they are validated.

One walk over the document expands fragments and counts. Every selection visited is a step, and the walk ends with the
first limit passed, so a document that doubles at each of 22 levels of fragments is refused in milliseconds. Validation
compares fields of one response name in pairs, so those pairs count as steps too.
"""

from collections.abc import Sized
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)

from api.transport.limits import costs
from api.transport.limits.reads import READS, Read
from api.transport.terms.errors import CodedError, QueryTooComplex, QueryTooDeep, TooManyDirectives
from api.transport.terms.settings import DocumentLimits

INTROSPECTION_FIELDS = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class Analysis:
    """What one operation of a document asks for."""

    operation: OperationDefinitionNode
    pages: tuple[costs.Nodes, ...]  # One per connection.
    root_fields: tuple[FieldNode, ...]
    introspects: bool
    reads: tuple[Read, ...] = ()  # One per field that reads more than its nodes.

    @property
    def size_variables(self) -> frozenset[str]:
        """Names of the variables that carry page sizes."""
        return frozenset(name for page in self.pages for name in page.variables)


@dataclass(slots=True)
class _Scope:
    """Fields that validation compares with each other: those that end up at one place of the result."""

    seen: dict[str, int] = field(default_factory=dict)
    reads: set[tuple[str, str]] = field(default_factory=set)  # By type and response name: read once.
    below: dict[str, "_Scope"] = field(default_factory=dict)

    def add(self, response_name: str) -> int:
        """How many fields of that name stood here before."""
        before = self.seen.get(response_name, 0)
        self.seen[response_name] = before + 1
        return before

    def under(self, response_name: str) -> "_Scope":
        return self.below.setdefault(response_name, _Scope())


@dataclass(frozen=True, slots=True)
class _Place:
    """A selection set that is still to be walked, and where in the result it stands."""

    selections: SelectionSetNode
    parent: GraphQLNamedType | None  # None below a field the schema does not have.
    scope: _Scope
    depth: int
    depth_max: int
    nodes: costs.Nodes
    spreads: frozenset[str]  # Fragments we are inside of: a cycle is not followed.


@dataclass(slots=True)
class _Counts:
    """What one operation has used so far."""

    root_selections: int = 0
    aliases: int = 0
    directives: int = 0
    fields: int = 0


def analyse(schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits) -> dict[str | None, Analysis]:
    """What each operation asks for, by name. Raises the error of the first limit passed."""
    walk = _Walk(schema, document, limits)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    analyses = {node.name.value if node.name else None: walk.operation(node) for node in operations}
    walk.unused_fragments()
    return analyses


class _Walk:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits) -> None:
        self.schema = schema
        self.limits = limits
        self.fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self.reached: set[str] = set()
        self.steps = 0
        self._begin()

    def _begin(self) -> None:
        self.counts = _Counts()
        self.pages: list[costs.Nodes] = []
        self.reads: list[Read] = []
        self.root_fields: list[FieldNode] = []
        self.introspects = False
        self.waiting: list[_Place] = []

    def operation(self, operation: OperationDefinitionNode) -> Analysis:
        self._begin()
        self._count_directives(operation.directives)
        for definition in operation.variable_definitions or ():
            self._step(1)
            self._count_directives(definition.directives)
        root = self.schema.get_root_type(operation.operation)
        self._walk(_Place(operation.selection_set, root, _Scope(), 1, self.limits.depth, costs.Nodes(), frozenset()))
        return Analysis(operation, tuple(self.pages), tuple(self.root_fields), self.introspects, tuple(self.reads))

    def unused_fragments(self) -> None:
        """Validation reads them too, so they count."""
        for name in self.fragments.keys() - self.reached:
            if name not in self.reached:
                self._begin()
                self._walk(self._inside_fragment(self.fragments[name], self._nowhere(name)))

    def _nowhere(self, name: str) -> _Place:
        empty = self.fragments[name].selection_set
        return _Place(empty, None, _Scope(), 2, self.limits.depth, costs.Nodes(), frozenset())

    def _walk(self, start: _Place) -> None:
        self.waiting.append(start)
        while self.waiting:
            place = self.waiting.pop()
            for selection in place.selections.selections:
                self._step(1)
                self._count_directives(selection.directives)
                self._select(selection, place)

    def _select(self, selection: SelectionNode, place: _Place) -> None:
        if isinstance(selection, FieldNode):
            self._field(selection, place)
        elif isinstance(selection, InlineFragmentNode):
            self.waiting.append(self._inside_inline(selection, place))
        elif isinstance(selection, FragmentSpreadNode):
            fragment = self.fragments.get(selection.name.value)
            if fragment is not None and selection.name.value not in place.spreads:
                self.waiting.append(self._inside_fragment(fragment, place))

    def _field(self, node: FieldNode, place: _Place) -> None:
        name = node.name.value
        response_name = node.alias.value if node.alias else name
        self._step(place.scope.add(response_name))
        self._count_field(node, place)
        if place.depth == 1:
            self._root_field(node)
        self._read(node, place, response_name)
        returned = _type_of_field(place.parent, name)
        is_connection = returned is not None and returned.name.endswith("Connection")
        nodes = self._page(node, is_connection, place.nodes)
        if node.selection_set:
            depth_max = self.limits.introspection_depth if name in INTROSPECTION_FIELDS else place.depth_max
            below = place.scope.under(response_name)
            self.waiting.append(
                _Place(node.selection_set, returned, below, place.depth + 1, depth_max, nodes, place.spreads)
            )

    def _read(self, node: FieldNode, place: _Place, response_name: str) -> None:
        declared = _declaration(place.parent, node.name.value)
        reads = getattr(declared, "metadata", {}).get(READS)
        if reads is None or place.parent is None or (place.parent.name, response_name) in place.scope.reads:
            return
        place.scope.reads.add((place.parent.name, response_name))
        self.reads.append(Read(node, place.nodes, reads))

    def _page(self, node: FieldNode, is_connection: bool, nodes: costs.Nodes) -> costs.Nodes:
        size = costs.page_size(node, is_connection, self.limits.page_size)
        if size is None:
            return nodes
        page = nodes.times(size)
        self.pages.append(page)
        return page

    def _root_field(self, node: FieldNode) -> None:
        self.counts.root_selections += 1
        self._refuse_above("root selections", self.counts.root_selections, self.limits.root_selections)
        self.root_fields.append(node)
        self.introspects = self.introspects or node.name.value in INTROSPECTION_FIELDS

    def _count_field(self, node: FieldNode, place: _Place) -> None:
        self.counts.fields += 1
        self._refuse_above("fields", self.counts.fields, self.limits.fields)
        if node.alias:
            self.counts.aliases += 1
            self._refuse_above("aliases", self.counts.aliases, self.limits.aliases)
        if place.depth > place.depth_max:
            message = f"The document is nested {place.depth} levels deep; at most {place.depth_max} are allowed."
            raise QueryTooDeep(message, limit=place.depth_max, value=place.depth)

    def _count_directives(self, directives: Sized | None) -> None:
        self.counts.directives += len(directives or ())
        self._refuse_above("directives", self.counts.directives, self.limits.directives, TooManyDirectives)

    def _step(self, more: int) -> None:
        self.steps += more
        self._refuse_above("steps", self.steps, self.limits.steps)

    def _refuse_above(self, what: str, value: int, limit: int, error: type[CodedError] = QueryTooComplex) -> None:
        if value > limit:
            raise error(f"The document uses {value} {what}; at most {limit} are allowed.", limit=limit, value=value)

    def _inside_inline(self, node: InlineFragmentNode, place: _Place) -> _Place:
        parent = self.schema.get_type(node.type_condition.name.value) if node.type_condition else place.parent
        return _Place(node.selection_set, parent, place.scope, place.depth, place.depth_max, place.nodes, place.spreads)

    def _inside_fragment(self, node: FragmentDefinitionNode, place: _Place) -> _Place:
        name = node.name.value
        self.reached.add(name)
        self._count_directives(node.directives)
        parent = self.schema.get_type(node.type_condition.name.value)
        spreads = place.spreads | {name}
        return _Place(node.selection_set, parent, place.scope, place.depth, place.depth_max, place.nodes, spreads)


def _declaration(parent: GraphQLNamedType | None, name: str) -> Any:
    """What Strawberry knows of a field."""
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and name in parent.fields:
        return parent.fields[name].extensions.get("strawberry-definition")
    return None


def _type_of_field(parent: GraphQLNamedType | None, name: str) -> GraphQLNamedType | None:
    if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and name in parent.fields:
        returned: GraphQLNamedType = get_named_type(parent.fields[name].type)
        return returned
    return None
