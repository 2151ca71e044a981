"""Pages of what is no entity: the arguments, the cursors' check and the connection that lists by code share."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

import strawberry

from api.engine.connections import DEFAULT_PAGE, Connection, Edge, PageInfo, PageSize
from api.engine.fields import PAGE_ARGUMENTS
from api.transport.terms.errors import BadUserInput

Row = TypeVar("Row")
Shown = TypeVar("Shown")
Place = TypeVar("Place")
ABOUT = {name: about for name, _, about in PAGE_ARGUMENTS}
FIRST = Annotated[int | None, strawberry.argument(description=ABOUT["first"])]
AFTER = Annotated[str | None, strawberry.argument(description=ABOUT["after"])]
LAST = Annotated[int | None, strawberry.argument(description=ABOUT["last"])]
BEFORE = Annotated[str | None, strawberry.argument(description=ABOUT["before"])]


@dataclass(frozen=True, slots=True)
class Asked(Generic[Place]):
    """Page arguments, checked."""

    size: int
    is_backward: bool
    beyond: Place | None


def asked(
    first: int | None,
    after: str | None,
    last: int | None,
    before: str | None,
    place_of: Callable[[str], Place],
) -> Asked[Place]:
    """The page that is asked for; `place_of` raises ValueError for a cursor of another list.

    Raises BadUserInput naming the argument.
    """
    if (first is not None and (last is not None or before is not None)) or (after is not None and last is not None):
        raise BadUserInput("Use first with after, and last with before.", argument="first")
    if after is not None and before is not None:
        raise BadUserInput("Give after or before, not both.", argument="before")
    is_backward = last is not None or before is not None
    name, size = ("last", last) if is_backward else ("first", first)
    size = DEFAULT_PAGE if size is None else size
    if not 0 <= size <= PageSize.maximum:
        raise BadUserInput(f"{name} must be between 0 and {PageSize.maximum}.", argument=name, maximum=PageSize.maximum)
    cursor, argument = (before, "before") if is_backward else (after, "after")
    try:
        return Asked(size, is_backward, None if cursor is None else place_of(cursor))
    except ValueError as error:
        raise BadUserInput("The cursor is not one of this list.", argument=argument) from error


def connection(
    page: Asked[Place],
    rows: Sequence[Row],
    cursor: Callable[[Row], str],
    shown: Callable[[Row], Shown],
    count: Callable[[], Awaitable[int]],
) -> Connection[Shown]:
    """A page of rows, of which one more was read than it has, in the order in which they were read."""
    has_more = len(rows) > page.size
    told = list(rows[: page.size])
    if page.is_backward:
        told.reverse()
    edges = [Edge(cursor=cursor(row), node=shown(row)) for row in told]
    place = PageInfo(
        has_next_page=page.beyond is not None if page.is_backward else has_more,
        has_previous_page=has_more if page.is_backward else page.beyond is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return Connection(edges=edges, page_info=place, counter=count)


def plain(value: str | None, argument: str, longest: int) -> str | None:
    """A text to compare with, as it came. Raises BadUserInput."""
    if value is not None and ("\x00" in value or not 0 < len(value) <= longest):
        raise BadUserInput(f"{argument} must have 1 to {longest} characters, none of them NUL.", argument=argument)
    return value
