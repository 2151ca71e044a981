"""Declare an entity: its table, who may see it, and where each field comes from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, case

from domain.identity.viewers import Viewer

T = TypeVar("T")
Visible = Callable[[Viewer], ColumnElement[bool]]
MARK = "engine"


@strawberry.interface(description="An object with an identity of its own, to be read again with `node(id)`.")
class Node:
    """Base of all entities; instances are made by `Entity.record`, never by their constructor."""

    @strawberry.field(description="Globally unique, stable and opaque: keep it, compare it, do not parse it.")
    def id(self) -> strawberry.ID:
        return global_id(type(self).__name__, self.__dict__["id"])


@dataclass(frozen=True)
class Column:
    """A field with an SQL expression.

    `heavy` columns are read only when selected. With `argument` the expression is a function of the field's one
    argument of that name. Where the row is seen but `shown` does not hold for the viewer, its value is null.
    """

    expression: Any
    heavy: bool = False
    argument: str | None = None
    shown: Visible | None = None

    def select(self, argument: Any = None) -> Any:
        """The expression for a value of the argument."""
        return self.expression(argument) if self.argument else self.expression

    def seen_by(self, viewer: Viewer, argument: Any = None) -> Any:
        """The same as far as a viewer may see it."""
        expression = self.select(argument)
        return expression if self.shown is None else case((self.shown(viewer), expression))


@dataclass(frozen=True)
class Composite:
    """A field that shows several columns as one object of a type of its own, by the type's attributes. Never null.

    Its columns are read only when selected.
    """

    type: Any
    columns: Mapping[str, Column]


@dataclass(frozen=True)
class Edge:
    """A field that leads to one entity: the row whose `match` column equals this row's `key`.

    Without a key it is the edge of a payload or an event, which are no rows: `leading` tells where it leads.
    """

    key: Any
    target: str
    match: Any = None
    where: Callable[[], ColumnElement[bool]] | None = None


@dataclass(frozen=True)
class ById:
    """A root field that gives entities of any type by their global ids."""


@dataclass(frozen=True)
class Order:
    """An order of a connection: the column before the id, and its direction."""

    by: Any = None
    is_descending: bool = False


@dataclass(frozen=True)
class Through:
    """The table between a connection's parents and its targets, for many-to-many.

    `key` is its column that holds the target's id. Pages are ordered by it, so that an index of the parent's column
    and this one gives a page without sorting. `where` says which of its rows count.
    """

    table: Any
    key: Any
    where: Callable[[], ColumnElement[bool]] | None = None

    def joins(self, target: Any) -> ColumnElement[bool]:
        """The condition that joins it to the target's table."""
        condition: ColumnElement[bool] = self.key == target.id
        return condition if self.where is None else condition & self.where()


@dataclass(frozen=True)
class Many:
    """A connection: the target's rows whose `on` column equals this row's id; a root list where `on` is None.

    `on` may belong to a table that the target is reached `through`, or to a `source`: a sub-select that stands for the
    target's table, with all its columns, where a row belongs to a parent in more than one way. `where` turns the value
    of the `filter` input into conditions. The members of the `orders` enum are `Order`s by value; the first one is the
    default.
    """

    target: str
    on: Any = None
    through: Through | None = None
    source: Any = None
    filter: Any = None
    where: Callable[[Any], list[ColumnElement[bool]]] | None = None
    orders: Mapping[str, Order] = field(default_factory=lambda: {"ID": Order()})
    order_enum: Any = None
    visible: Visible | None = None


@dataclass
class Entity:
    """What the engine knows of one object type."""

    type: Any
    table: Any
    visible: Visible
    columns: dict[str, Column]
    parts: dict[str, Composite]
    edges: dict[str, Edge]
    manys: dict[str, Many]

    @property
    def name(self) -> str:
        return str(self.type.__name__)

    def selection(self, viewer: Viewer) -> list[Any]:
        """Expressions of a record for a viewer: its id, its light columns and the keys of its edges."""
        light = [column.seen_by(viewer).label(name) for name, column in self.columns.items() if not column.heavy]
        edges = [edge.key.label(edge_key(name)) for name, edge in self.edges.items()]
        return [self.table.id.label("id"), *light, *edges]

    def know(self, fields: Sequence[Any]) -> None:
        """Keep the marks of fields of its type."""
        kept: dict[type, dict[str, Any]] = {
            Column: self.columns,
            Composite: self.parts,
            Edge: self.edges,
            Many: self.manys,
        }
        for each in fields:
            mark = each.metadata.get(MARK)
            if type(mark) in kept:
                kept[type(mark)][each.python_name] = mark

    def add(self, fields: Sequence[Any]) -> None:
        """Take up fields that a higher room gives it."""
        there = self.type.__strawberry_definition__.fields
        twice = {each.python_name for each in there} & {each.python_name for each in fields}
        assert not twice, f"{self.name} has {', '.join(sorted(twice))} already"
        there.extend(fields)
        self.know(fields)

    def record(self, row: Mapping[str, Any]) -> Any:
        """An instance that carries a row."""
        instance = self.type.__new__(self.type)
        instance.__dict__.update(row)
        return instance


ENTITIES: dict[str, Entity] = {}
# Fields for entities that are not declared yet.
WAITING: dict[str, list[Sequence[Any]]] = {}


def entity_named(name: str) -> Entity:
    """The entity of a type. Raises KeyError."""
    return ENTITIES[name]


def entity(
    table: Any, *, visible: Visible, carries: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[type[T]], type[T]]:
    """Make an object type of a class whose fields are columns, edges, manys or ordinary Strawberry fields.

    `carries` are columns that records hold for the ordinary fields to read, without being fields themselves.
    """

    def declare(cls: type[T]) -> type[T]:
        made: Any = strawberry.type(cls, description=" ".join((cls.__doc__ or "").split()))
        carried = {name: Column(expression) for name, expression in carries.items()}
        declared = Entity(type=made, table=table, visible=visible, columns=carried, parts={}, edges={}, manys={})
        declared.know(made.__strawberry_definition__.fields)
        ENTITIES[cls.__name__] = declared
        for fields in WAITING.pop(cls.__name__, ()):
            declared.add(fields)
        return made  # type: ignore[no-any-return]

    return declare


def extends(name: str) -> Callable[[type[T]], type[T]]:
    """Give the fields of a class to an entity of a lower room, which need not know of them.

    Ordinary fields get the entity's record as `self`: its columns, also those that are `carried`, are in its
    `__dict__`. The classes may be imported in any order, before the schema is made.
    """

    def declare(cls: type[T]) -> type[T]:
        made: Any = strawberry.type(cls)
        fields = made.__strawberry_definition__.fields
        if name in ENTITIES:
            ENTITIES[name].add(fields)
        else:
            WAITING.setdefault(name, []).append(fields)
        return made  # type: ignore[no-any-return]

    return declare


def edge_key(name: str) -> str:
    """The attribute under which a record carries the key of an edge."""
    return f"{name}__key"


def leading(instance: T, **to: UUID | None) -> T:
    """A payload, or another object that is no row, whose edges lead to the entities with these keys."""
    instance.__dict__.update({edge_key(name): key for name, key in to.items()})
    return instance


def parse_id(text: str) -> tuple[str, UUID] | None:
    """The type name and key in a global id, or None when it is malformed."""
    kind, _, key = text.partition(":")
    try:
        parsed = UUID(key)
        return (kind, parsed) if kind.isidentifier() and str(parsed) == key else None
    except ValueError:
        return None


def global_id(kind: str, key: UUID) -> strawberry.ID:
    """The id of a thing as clients see it."""
    return strawberry.ID(f"{kind}:{key}")
