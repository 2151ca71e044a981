"""Keyset connections: their types, page arguments and cursors."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import ColumnElement, literal, tuple_

from api.engine.declarations import ENTITIES, Many, Order
from api.transport.limits.reads import some
from api.transport.terms.errors import BadUserInput

NodeType = TypeVar("NodeType")
DEFAULT_PAGE = 25


class PageSize:
    """The largest page; a process-wide setting (`COMMONWATT_PAGE_MAX`), raised only for benchmarks."""

    maximum = 100


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are edges after this page.")
    has_previous_page: bool = strawberry.field(description="Whether there are edges before this page.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first edge; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last edge; null on an empty page.")


@strawberry.type(description="An object in a list, with its place.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(description="Opaque place of this edge, for `after` and `before`.")
    node: NodeType = strawberry.field(description="The object.")


@strawberry.type(description="A page of a list; ask for the next one with `after: pageInfo.endCursor`.")
class Connection(Generic[NodeType]):
    edges: list[Edge[NodeType]] = strawberry.field(description="The objects of this page, at most 100.")
    page_info: PageInfo = strawberry.field(description="Where this page stands in the list.")
    counter: strawberry.Private[Any]

    @strawberry.field(
        metadata=some(100),
        description="How many objects the whole list holds for this viewer; counted only when selected.",
    )
    async def total_count(self) -> int | None:
        count: int | None = await self.counter()
        return count


@dataclass(frozen=True)
class Page:
    """Page arguments, checked."""

    size: int
    is_backward: bool
    order_name: str
    order: Order
    bound: tuple[Any, ...] | None

    @property
    def key(self) -> tuple[Any, ...]:
        """What distinguishes two pages of one connection in a batch."""
        return (self.size, self.is_backward, self.order_name, self.bound)


def page_of(many: Many, arguments: dict[str, Any]) -> Page:
    """Check page arguments. Raises BadUserInput naming the argument."""
    first, last, after, before = (arguments.get(name) for name in ("first", "last", "after", "before"))
    if first is not None and last is not None:
        raise BadUserInput("Give first or last, not both.", argument="last")
    if after is not None and before is not None:
        raise BadUserInput("Give after or before, not both.", argument="before")
    is_backward = last is not None or (before is not None and first is None)
    if (is_backward and after is not None) or (not is_backward and before is not None):
        raise BadUserInput("Use first with after, and last with before.", argument="after" if is_backward else "before")
    name, size = ("last", last) if is_backward else ("first", first)
    size = DEFAULT_PAGE if size is None else size
    if not 0 <= size <= PageSize.maximum:
        raise BadUserInput(f"{name} must be between 0 and {PageSize.maximum}.", argument=name, maximum=PageSize.maximum)
    order_name = arguments["order_by"].name if arguments.get("order_by") else next(iter(many.orders))
    cursor = before if is_backward else after
    bound = None if cursor is None else decode_cursor(cursor, order_name, "before" if is_backward else "after")
    return Page(size, is_backward, order_name, many.orders[order_name], bound)


def encode_cursor(order_name: str, key: UUID, value: str | None = None) -> str:
    """An opaque cursor that holds the order's name, the id and the sort value, if the order has one."""
    return f"{order_name}:{key}" if value is None else f"{order_name}:{key}:{value}"


def decode_cursor(cursor: str, order_name: str, argument: str) -> tuple[Any, ...]:
    """The sort value, if there is one, and the id in a cursor of this order. Raises BadUserInput."""
    name, _, place = cursor.partition(":")
    text, has_value, value = place.partition(":")
    try:
        key = UUID(text)
    except ValueError as error:
        raise BadUserInput("The cursor is not one of this list.", argument=argument) from error
    if name != order_name or str(key) != text or "\x00" in value:
        raise BadUserInput("The cursor belongs to another list or order.", argument=argument)
    return (value, key) if has_value else (key,)


def sort_columns(many: Many, order: Order) -> list[Any]:
    """The columns that order a list, ending with the id so that the order is total."""
    key = ENTITIES[many.target].table.id if many.through is None else many.through.key
    return [key] if order.by is None else [order.by, key]


def ordering(many: Many, page: Page) -> list[Any]:
    """ORDER BY of a page, reversed for a backward one."""
    is_descending = page.order.is_descending != page.is_backward
    return [column.desc() if is_descending else column.asc() for column in sort_columns(many, page.order)]


def beyond(many: Many, page: Page) -> list[ColumnElement[bool]]:
    """The condition that a page starts after its cursor. Raises BadUserInput for a cursor of another order."""
    if page.bound is None:
        return []
    columns = sort_columns(many, page.order)
    if len(columns) != len(page.bound):
        argument = "before" if page.is_backward else "after"
        raise BadUserInput("The cursor belongs to another list or order.", argument=argument)
    pairs = zip(columns, page.bound, strict=True)
    bound = tuple_(*(literal(value, column.type) for column, value in pairs))
    is_descending = page.order.is_descending != page.is_backward
    return [tuple_(*columns) < bound if is_descending else tuple_(*columns) > bound]
