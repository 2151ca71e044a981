"""Fields of an entity: columns, edges and connections, resolved by what their declaration says."""

import dataclasses
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import strawberry
from sqlalchemy import ColumnElement, type_coerce
from sqlalchemy import Enum as SQLEnum
from sqlalchemy.dialects.postgresql import ARRAY
from strawberry.annotation import StrawberryAnnotation
from strawberry.extensions import FieldExtension
from strawberry.types.arguments import StrawberryArgument
from strawberry.types.field import StrawberryField
from strawberry.types.lazy_type import LazyType

from api.engine.connections import Connection, page_of
from api.engine.declarations import (
    ENTITIES,
    MARK,
    Column,
    Composite,
    Edge,
    Many,
    Order,
    Through,
    Visible,
    edge_key,
    entity_named,
)
from api.transport.limits.reads import some_if_asked
from domain.kernel.vocabularies import Word, WordType


@dataclasses.dataclass(frozen=True)
class Named(LazyType[Any, Any]):
    """An entity by its name alone, looked up when the schema is made."""

    def resolve_type(self) -> type[Any]:
        found: type[Any] = entity_named(self.type_name).type
        return found


def named(entity: str, *, is_optional: bool = False) -> Any:
    """The type of an entity, for `graphql_type`, wherever it is declared."""
    lead = Named(entity, module="")
    return lead | None if is_optional else lead


def column(
    expression: Any, description: str, *, name: str | None = None, heavy: bool = False, shown: Visible | None = None
) -> Any:
    """A field read from an SQL expression; see `Column`."""
    mark = Column(expression, heavy=heavy, shown=shown)
    if not heavy:
        return strawberry.field(description=description, name=name, metadata={MARK: mark})
    return strawberry.field(
        description=description, name=name, metadata={MARK: mark}, resolver=_no_argument, extensions=[Heavy()]
    )


def enums(expression: Any, kind: type[Enum]) -> Any:
    """A text array whose check (`kernel.database.text_enums`) admits values of an enum only, as a list of them."""
    return type_coerce(expression, ARRAY(SQLEnum(kind, native_enum=False, create_constraint=False)))


def words(expression: Any, vocabulary: type[Word]) -> Any:
    """A text array whose check (`kernel.vocabularies.words_check`) admits words only, as a list of them."""
    return type_coerce(expression, ARRAY(WordType(vocabulary)))


def shaped(
    expression: Callable[[Any], Any], description: str, *, argument: str, kind: Any, about: str, name: str | None = None
) -> Any:
    """A heavy column whose expression depends on one optional argument of the given kind."""
    return strawberry.field(
        description=description,
        name=name,
        metadata={MARK: Column(expression, heavy=True, argument=argument), **some_if_asked(100)},
        resolver=_no_argument,
        extensions=[Heavy(_argument(argument, kind | None, about))],
    )


def part(kind: Any, description: str, **columns: Any) -> Any:
    """A field that shows columns as one object; see `Composite`."""
    mark = Composite(kind, {name: Column(expression) for name, expression in columns.items()})
    return strawberry.field(
        description=description, metadata={MARK: mark}, resolver=_no_argument, extensions=[Whole(mark)]
    )


def edge(
    key: Any,
    target: str,
    description: str,
    *,
    is_optional: bool | None = None,
    match: Any = None,
    where: Callable[[], ColumnElement[bool]] | None = None,
) -> Any:
    """A field that leads to one entity; see `Edge`. Without a `key` `leading` tells to which.

    Null may stand for it where it `is_optional`, by default where it has no key: a payload leads nowhere when it was
    refused. What it leads to is named, so the field needs no annotation, and its module none of the target's.
    """
    mark = Edge(key, target, match, where)
    leads = named(target, is_optional=key is None if is_optional is None else is_optional)
    return strawberry.field(
        description=description,
        metadata={MARK: mark},
        resolver=_no_argument,
        extensions=[Leading(mark)],
        graphql_type=leads,
    )


def many(
    target: str,
    description: str,
    *,
    on: Any = None,
    through: Through | None = None,
    source: Any = None,
    filter: Any = None,
    where: Callable[[Any], list[ColumnElement[bool]]] | None = None,
    orders: Any = None,
    visible: Visible | None = None,
) -> Any:
    """A connection; see `Many`. It needs no annotation either.

    `orders` is a Strawberry enum whose values are `Order`s, the first one the default.
    """
    ways = {"ID": Order()} if orders is None else {member.name: member.value for member in orders}
    mark = Many(target, on, through, source, filter, where, ways, orders, visible)
    described = f"{description} At most 100 a page."
    return strawberry.field(
        description=described,
        metadata={MARK: mark},
        resolver=_no_argument,
        extensions=[Paging(mark)],
        graphql_type=Connection[named(target)],  # type: ignore[misc]
    )


async def compiled(info: strawberry.Info[Any], key: UUID | None = None) -> orjson.Fragment | None:
    """The field as the operation's plan answers it, if the plan has a part for it; `key` where it leads to an entity.

    None: the ordinary path answers.
    """
    prepared = info.context.prepared
    if prepared is None:
        return None
    text = await prepared.part(tuple(info.path.as_list()), info.context.database, info.context.viewer, key)
    return None if text is None else orjson.Fragment(text)


def _no_argument() -> Any:
    """Fields of the engine are resolved by their extension; this gives them a place for arguments."""
    raise AssertionError("the extension resolves this field")


def _argument(name: str, kind: Any, about: str) -> StrawberryArgument:
    return StrawberryArgument(
        python_name=name, graphql_name=None, type_annotation=StrawberryAnnotation(kind), description=about, default=None
    )


PAGE_ARGUMENTS = (
    ("first", int | None, "How many from the start; default 25, maximum 100."),
    ("after", str | None, "Only what comes after this cursor; with first."),
    ("last", int | None, "How many from the end; maximum 100."),
    ("before", str | None, "Only what comes before this cursor; with last."),
)


class Heavy(FieldExtension):
    """Resolves a heavy column by one batched statement."""

    def __init__(self, *arguments: StrawberryArgument) -> None:
        self.arguments = arguments
        self.name = ""

    def apply(self, field: StrawberryField) -> None:
        field.arguments = list(self.arguments)
        self.name = field.python_name

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info[Any], **kwargs: Any) -> Any:
        entity = ENTITIES[type(source).__name__]
        argument = next(iter(kwargs.values()), None)
        return await info.context.loaders.heavy(entity, info.python_name, argument, source.__dict__["id"])


class Whole(FieldExtension):
    """Resolves a part by one batched statement."""

    def __init__(self, mark: Composite) -> None:
        self.mark = mark

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info[Any], **kwargs: Any) -> Any:
        entity = ENTITIES[type(source).__name__]
        return await info.context.loaders.part(entity, info.python_name, source.__dict__["id"])


class Leading(FieldExtension):
    """Resolves an edge by one batched statement."""

    def __init__(self, mark: Edge) -> None:
        self.mark = mark

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info[Any], **kwargs: Any) -> Any:
        key = source.__dict__.get(edge_key(info.python_name))
        if self.mark.key is not None:
            return await info.context.loaders.edge(self.mark, key)
        if key is None:
            return None
        return await compiled(info, key) or await info.context.loaders.node(self.mark.target, key)


class Paging(FieldExtension):
    """Gives a field its page arguments and resolves it by one batched statement."""

    def __init__(self, mark: Many) -> None:
        self.mark = mark

    def apply(self, field: StrawberryField) -> None:
        extra = []
        if self.mark.filter is not None:
            extra.append(_argument("filter", self.mark.filter | None, "Only what matches all the given conditions."))
        if self.mark.order_enum is not None:
            extra.append(_argument("order_by", self.mark.order_enum | None, "Order of the list."))
        field.arguments = [*extra, *(_argument(*argument) for argument in PAGE_ARGUMENTS)]

    async def resolve_async(self, next_: Any, source: Any, info: strawberry.Info[Any], **kwargs: Any) -> Any:
        ready = await compiled(info) if self.mark.on is None else None
        if ready is not None:
            return ready
        page = page_of(self.mark, kwargs)
        given = kwargs.get("filter")
        conditions = tuple(self.mark.where(given)) if given is not None and self.mark.where else ()
        parent = None if self.mark.on is None else source.__dict__["id"]
        return await info.context.loaders.page(self.mark, page, conditions, _frozen(given), parent)


def _frozen(value: Any) -> Hashable:
    """A filter input as a hashable value, to tell batches apart."""
    if dataclasses.is_dataclass(value):
        return tuple((f.name, _frozen(getattr(value, f.name))) for f in dataclasses.fields(value))
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value if isinstance(value, Hashable) else repr(value)
