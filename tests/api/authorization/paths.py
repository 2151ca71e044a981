"""Every way to a row, read from the schema; and where each one leads when nobody's sight is limited."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_required_argument,
)
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.engine.declarations import ENTITIES, MARK, Edge, Entity, Many, entity_named
from api.engine.reads import _among


@dataclass(frozen=True)
class Path:
    """A field that leads from one type to an entity."""

    parent: str
    name: str
    target: str | None  # None where the field may lead to several kinds.
    mark: Edge | Many | None
    is_list: bool

    def __str__(self) -> str:
        return f"{self.parent}.{self.name}"

    @property
    def selection(self) -> str:
        """The field with the ids of all that it leads to."""
        if self.is_list:
            return f"{self.name}(first: 100) {{ totalCount edges {{ cursor node {{ id }} }} }}"
        return f"{self.name} {{ id }}"


def python_name(schema: GraphQLSchema, path: Path) -> str:
    """The attribute that an edge stands for."""
    name: str = definition(schema.type_map[path.parent].fields[path.name]).python_name  # type: ignore[attr-defined]
    return name


def definition(field: GraphQLField) -> Any:
    """The Strawberry field behind a field."""
    return field.extensions["strawberry-definition"]


def target_of(kind: GraphQLNamedType) -> tuple[bool, str | None, bool]:
    """Whether a type holds rows, of which entity, and whether it is a connection."""
    if kind.name in ENTITIES:
        return True, kind.name, False
    if kind.name == "Node":
        return True, None, False
    if kind.name.endswith("Connection") and isinstance(kind, GraphQLObjectType):
        edges = get_named_type(kind.fields["edges"].type)
        assert isinstance(edges, GraphQLObjectType)
        return True, get_named_type(edges.fields["node"].type).name, True
    return False, None, False


def paths(schema: GraphQLSchema) -> Iterator[Path]:
    """All fields of the schema that lead to rows, but those of payloads, which show what their mutation may."""
    for kind in schema.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name.endswith(("Payload", "Connection", "Edge")):
            continue
        for name, field in kind.fields.items():
            leads, target, is_list = target_of(get_named_type(field.type))
            if leads:
                yield Path(kind.name, name, target, _declared(definition(field).metadata.get(MARK)), is_list)


def _declared(mark: Any) -> Any:
    """Edges and connections of rows; what is told where it leads by code is a field like any other."""
    return mark if isinstance(mark, Many) or (isinstance(mark, Edge) and mark.key is not None) else None


def computed(schema: GraphQLSchema) -> Iterator[str]:
    """Fields of entities that are neither columns, edges nor connections: each has code of its own."""
    for entity in ENTITIES.values():
        kind = schema.type_map[entity.name]
        assert isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items():
            if name != "id" and MARK not in definition(field).metadata:
                yield f"{entity.name}.{name}"


def filters(schema: GraphQLSchema) -> Iterator[tuple[str, str]]:
    """Every condition of every filter: the list and the field of its input."""
    for path in paths(schema):
        field = schema.type_map[path.parent].fields[path.name]  # type: ignore[attr-defined]
        if "filter" in field.args:
            input_type = get_named_type(field.args["filter"].type)
            assert isinstance(input_type, GraphQLInputObjectType)
            yield from ((str(path), name) for name in input_type.fields)


def orders(schema: GraphQLSchema, path: Path) -> list[str]:
    """The orders that a list may be asked in."""
    field = schema.type_map[path.parent].fields[path.name]  # type: ignore[attr-defined]
    return list(get_named_type(field.args["orderBy"].type).values) if "orderBy" in field.args else []


def needs_arguments(field: GraphQLField) -> bool:
    """Whether a field cannot be asked without arguments."""
    return any(is_required_argument(argument) for argument in field.args.values())


async def truth_of_edge(connection: AsyncConnection, entity: Entity, edge: Edge) -> dict[UUID, UUID | None]:
    """Where an edge leads from each row."""
    target = entity_named(edge.target)
    match = target.table.id if edge.match is None else edge.match
    rows = (await connection.execute(select(entity.table.id, edge.key))).all()
    keys: dict[UUID, Any] = {row[0]: row[1] for row in rows}
    wanted = [key for key in keys.values() if key is not None]
    found = select(match, target.table.id).where(_among(match, wanted), *([edge.where()] if edge.where else []))
    leads: dict[Any, UUID] = {key: id for key, id in await connection.execute(found)}  # noqa: C416
    return {id: leads.get(key) for id, key in keys.items()}


async def truth_of_many(connection: AsyncConnection, many: Many) -> dict[UUID | None, set[tuple[UUID, UUID | None]]]:
    """What a connection holds below each parent: rows, with the row that links them where there is one."""
    target = entity_named(many.target)
    table = target.table if many.source is None else many.source.c
    parent = table.id if many.on is None else many.on
    linked_by = linking(many)
    link = table.id if linked_by is None else ENTITIES[linked_by].table.id
    statement = select(parent, table.id, link)
    if many.through is not None:
        statement = statement.select_from(target.table).join(many.through.table, many.through.joins(target.table))
    found: dict[UUID | None, set[tuple[UUID, UUID | None]]] = {}
    for parent_id, id, link_id in await connection.execute(statement):
        place = found.setdefault(None if many.on is None else parent_id, set())
        place.add((id, None if linked_by is None else link_id))
    return found


def linking(many: Many) -> str | None:
    """The entity of the rows that link parents and targets, where there are such."""
    if many.through is None:
        return None
    return next((entity.name for entity in ENTITIES.values() if entity.table is many.through.table), None)
