"""Cursors of events: where a subscriber was in a stream, so that it resumes behind it without gaps."""

import base64
from typing import Annotated

import orjson
import strawberry

from api.transport.terms.errors import BadUserInput
from domain.events.tables import Event
from domain.kernel.quantities import INT64_MAX

AFTER = Annotated[
    str | None,
    strawberry.argument(
        description="Cursor of the last event seen; an empty text starts with the first event there is, and only new "
        "events come when it is left out."
    ),
]


def cursor_of(event: Event) -> str:
    """An opaque cursor that holds stream and number."""
    return base64.urlsafe_b64encode(orjson.dumps([event.stream, event.sequence])).decode().rstrip("=")


def number_in(cursor: str, stream: str) -> int:
    """The number in a cursor of this stream, 0 for an empty one. Raises BadUserInput."""
    if not cursor:
        return 0
    try:
        of_stream, number = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError) as error:
        raise BadUserInput("The cursor is not one of this stream.", argument="after") from error
    if of_stream != stream or type(number) is not int or not 0 <= number <= INT64_MAX:
        raise BadUserInput("The cursor belongs to another stream.", argument="after")
    return number
