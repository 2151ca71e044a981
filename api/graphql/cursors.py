"""Cursors of events: where a subscriber was in a stream, so that it resumes behind it without gaps."""

import base64
from datetime import timedelta
from typing import Annotated

import orjson
import strawberry

from api.resources.events import Seen
from api.transport.terms.errors import BadUserInput
from api.transport.terms.instants import EPOCH
from domain.events.tables import Event
from domain.kernel.quantities import INT64_MAX

AFTER = Annotated[
    str | None,
    strawberry.argument(
        description="Cursor of the last event seen; an empty text starts with the first event there is, and only new "
        "events come when it is left out."
    ),
]


MICROSECOND = timedelta(microseconds=1)


def cursor_of(event: Event) -> str:
    """An opaque cursor that holds stream and number, and when that was, which tells it from another of the number."""
    return cursor_at(event.stream, event.sequence, (event.created_at - EPOCH) // MICROSECOND)


def cursor_at(stream: str, number: int, *at_us: int) -> str:
    """A cursor of an event, of which it may not be known when that was."""
    return base64.urlsafe_b64encode(orjson.dumps([stream, number, *at_us])).decode().rstrip("=")


def number_in(cursor: str, stream: str) -> Seen:
    """The number in a cursor of this stream, 0 for an empty one. Raises BadUserInput."""
    if not cursor:
        return Seen(0)
    try:
        of_stream, number, *at = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise BadUserInput("The cursor is not one of this stream.", argument="after") from error
    is_whole = all(type(each) is int and 0 <= each <= INT64_MAX for each in (number, *at)) and len(at) <= 1
    if of_stream != stream or not is_whole:
        raise BadUserInput("The cursor belongs to another stream.", argument="after")
    return Seen(number, *at)
