"""What an operation selects of an entity, as a tree of what to write; the first half of the compiler.

graphql-core collects the fields (fragments, `@skip`, `@include`, merging); here each is looked up in its entity's
declaration. A field that the declaration does not prove safe raises `Refused`, and the ordinary path answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from sqlalchemy import true
from strawberry.types.field import StrawberryField

from api.engine.declarations import ENTITIES, MARK, Column, Composite, Edge, Entity, Many
from api.engine.emitters import Emit, Refused, emitter, is_never_null
from domain.identity.viewers import ANONYMOUS

TYPENAME = "__typename"


@dataclass(frozen=True, eq=False)
class Site:
    """A place in an operation where arguments are given. They are the same for all rows there."""

    number: int
    node: FieldNode
    type: GraphQLObjectType
    field: StrawberryField
    mark: Any


@dataclass(frozen=True)
class Constant:
    """A piece of JSON that is the same in every row: a type's name."""

    text: str


@dataclass(frozen=True)
class Identity:
    """The global id."""


@dataclass(frozen=True)
class Value:
    """A column."""

    column: Column
    emit: Emit
    site: Site | None


@dataclass(frozen=True)
class Whole:
    """Several columns as one object."""

    fields: Mapping[str, "Constant | Value"]


@dataclass(frozen=True)
class Leading:
    """An edge and what is selected of its target."""

    edge: Edge
    row: "Row"


@dataclass(frozen=True)
class Pages:
    """A connection and what is selected of its page."""

    many: Many
    site: Site
    entity: Entity
    fields: Mapping[str, Any]  # By response key: Constant, TotalCount, PageInfo or Edges.


@dataclass(frozen=True)
class TotalCount:
    """How many rows the whole list holds."""


@dataclass(frozen=True)
class PageInfo:
    """Response keys and the fields of PageInfo they stand for, `__typename` included."""

    fields: Mapping[str, str]


@dataclass(frozen=True)
class Edges:
    """What is selected of each edge: Constant, "cursor" or the Row of its node."""

    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """What is selected of one entity, by response key in the order of the answer."""

    entity: Entity
    fields: Mapping[str, "Constant | Identity | Value | Whole | Leading | Pages"]


Fields = list[FieldDetails]


class Selector:
    """Reads selections of one operation for fixed values of its `@skip` and `@include` variables."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, values: VariableValues
    ) -> None:
        self.schema = schema
        self.operation = operation
        self.values = values
        self.sites: list[Site] = []
        self.fragments = {
            node.name.value: FragmentDetails(node)
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }

    def roots(self) -> dict[str, Fields]:
        """The operation's own fields by response key."""
        root = self.schema.get_root_type(self.operation.operation)
        assert root is not None
        collected = collect_fields(self.schema, self.fragments, self.values, root, self.operation)
        return dict(collected.grouped_field_set)

    def below(self, kind: GraphQLObjectType, fields: Fields) -> dict[str, Fields]:
        """What fields select of an object of this type, by response key."""
        collected = collect_subfields(self.schema, self.fragments, self.values, self.operation, kind, fields)
        return dict(collected.grouped_field_set)

    def row(self, entity: Entity, fields: Fields) -> Row:
        """What is selected of an entity. Raises Refused."""
        kind = self.schema.type_map[entity.name]
        assert isinstance(kind, GraphQLObjectType)
        selected = {key: self._field(entity, kind, below) for key, below in self.below(kind, fields).items()}
        return Row(entity, selected)

    def site(self, kind: GraphQLObjectType, node: FieldNode) -> Site:
        """A new site for the arguments of a field."""
        field = strawberry_field(kind, node.name.value)
        found = Site(len(self.sites), node, kind, field, field.metadata.get(MARK))
        self.sites.append(found)
        return found

    def pages(self, kind: GraphQLObjectType, fields: Fields) -> Pages:
        """What is selected of a connection. Raises Refused."""
        site = self.site(kind, fields[0].node)
        many: Many = site.mark
        entity = ENTITIES[many.target]
        connection = get_named_type(kind.fields[fields[0].node.name.value].type)
        assert isinstance(connection, GraphQLObjectType)
        below = self.below(connection, fields)
        return Pages(many, site, entity, {k: self._of_page(connection, entity, f) for k, f in below.items()})

    def _field(self, entity: Entity, kind: GraphQLObjectType, fields: Fields) -> Any:
        name = fields[0].node.name.value
        if name == TYPENAME:
            return Constant(f'"{kind.name}"')
        field = strawberry_field(kind, name)
        mark = field.metadata.get(MARK)
        if field.python_name == "id" and mark is None:
            return Identity()
        refuse_unless_compiled(entity, kind, name)
        if isinstance(mark, Column):
            site = self.site(kind, fields[0].node) if mark.argument else None
            return Value(mark, emitter(mark.select(None), kind.fields[name].type), site)
        if isinstance(mark, Composite):
            return self._whole(mark, kind.fields[name].type, fields)
        if isinstance(mark, Edge):
            return Leading(mark, self.row(ENTITIES[mark.target], fields))
        return self.pages(kind, fields)

    def _whole(self, part: Composite, type: Any, fields: Fields) -> Whole:
        kind = get_nullable_type(type)
        assert isinstance(kind, GraphQLObjectType)
        found: dict[str, Constant | Value] = {}
        for key, below in self.below(kind, fields).items():
            name = below[0].node.name.value
            if name == TYPENAME:
                found[key] = Constant(f'"{kind.name}"')
            else:
                column = part.columns[strawberry_field(kind, name).python_name]
                found[key] = Value(column, emitter(column.select(None), kind.fields[name].type), None)
        return Whole(found)

    def _of_page(self, connection: GraphQLObjectType, entity: Entity, fields: Fields) -> Any:
        name = fields[0].node.name.value
        kind = connection if name == TYPENAME else get_named_type(connection.fields[name].type)
        match name:
            case "__typename":
                return Constant(f'"{connection.name}"')
            case "totalCount":
                return TotalCount()
            case "pageInfo":
                assert isinstance(kind, GraphQLObjectType)
                return PageInfo({key: f[0].node.name.value for key, f in self.below(kind, fields).items()})
            case _:
                assert isinstance(kind, GraphQLObjectType)
                return Edges({k: self._of_edge(kind, entity, f) for k, f in self.below(kind, fields).items()})

    def _of_edge(self, kind: GraphQLObjectType, entity: Entity, fields: Fields) -> Any:
        match fields[0].node.name.value:
            case "__typename":
                return Constant(f'"{kind.name}"')
            case "cursor":
                return "cursor"
            case _:
                return self.row(entity, fields)


def strawberry_field(kind: GraphQLObjectType, name: str) -> StrawberryField:
    """The declaration behind a field of the schema."""
    field: StrawberryField = kind.fields[name].extensions["strawberry-definition"]
    return field


def refuse_unless_compiled(entity: Entity, kind: GraphQLObjectType, name: str) -> None:
    """Raise Refused for a field that has no form in SQL, or whose form proves too little."""
    type = kind.fields[name].type
    mark = strawberry_field(kind, name).metadata.get(MARK)
    match mark:
        case Column():
            emitter(mark.select(None), type)
        case Composite():
            part = get_nullable_type(type)
            assert isinstance(part, GraphQLObjectType)
            for column_name, column in part.fields.items():
                emitter(mark.columns[strawberry_field(part, column_name).python_name].select(None), column.type)
        case Edge():
            if isinstance(type, GraphQLNonNull) and not (_is_public(mark) and is_never_null(mark.key)):
                raise Refused("a non-null edge needs a target that everybody may see")
        case Many():
            _refuse_orders(mark)
        case _:
            raise Refused("it is computed in Python")


def _is_public(edge: Edge) -> bool:
    return ENTITIES[edge.target].visible(ANONYMOUS).compare(true()) and edge.where is None and edge.match is None


def _refuse_orders(many: Many) -> None:
    for order in many.orders.values():
        if order.by is not None and not (is_never_null(order.by) and order.by.type.python_type is str):
            raise Refused("a list is ordered by texts that are not null")


def refusals(schema: GraphQLSchema) -> dict[str, str]:
    """Every field of an entity that the compiled path does not answer, as `Type.field`, and why."""
    found = {}
    for name, entity in sorted(ENTITIES.items()):
        kind = schema.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        for field in kind.fields:
            if strawberry_field(kind, field).python_name == "id":
                continue
            try:
                refuse_unless_compiled(entity, kind, field)
            except Refused as refused:
                found[f"{name}.{field}"] = str(refused)
    return found
