"""Periods as GraphQL shows and takes them."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry

from api.graphql.scalars import DateTime
from api.transport.limits.reads import READS, Arguments, Reads
from api.transport.terms.errors import BadUserInput
from domain.kernel.intervals import Period as Span

QUARTER_HOUR_S = 900
MONTH_QUARTER_HOURS = 31 * 96
QUARTER_HOURS_MAX = 3_660 * 96  # Of the longest period that is read.


@strawberry.type(description="A half-open span of time: start belongs to it, end does not.")
class Period:
    start: DateTime = strawberry.field(description="First instant of the period.")
    end: DateTime = strawberry.field(description="First instant after the period.")


@strawberry.input(description="A half-open span of time: start belongs to it, end does not.")
class PeriodInput:
    start: DateTime = strawberry.field(description="First instant of the period.")
    end: DateTime = strawberry.field(description="First instant after the period; later than start.")

    def span(self) -> Span:
        """The period as the domain knows it. Raises BadUserInput."""
        try:
            return Span(self.start, self.end)
        except ValueError as error:
            raise BadUserInput("The period must end after it starts.", argument="period") from error


def quarter_hours(arguments: Arguments) -> int:
    """Of a `period` argument as it was sent; of one that is none, and will be refused, a month's."""
    try:
        start, end = (datetime.fromisoformat(arguments["period"][name].upper()) for name in ("start", "end"))
        seconds = (end - start).total_seconds()
    except (KeyError, TypeError, ValueError, AttributeError):
        return MONTH_QUARTER_HOURS
    return min(QUARTER_HOURS_MAX, math.ceil(max(0, seconds) / QUARTER_HOUR_S))


def series(otherwise: int = 0, *, is_little: bool = False) -> dict[str, Reads]:
    """Metadata of a field that reads the quarter-hours of its period, whatever resolution it gives.

    Without a period it reads as many as `otherwise`, and is no series where that is little.
    """

    def is_left_out(given: Arguments) -> bool:
        return otherwise > 0 and given.get("period") is None

    return {
        READS: Reads(
            lambda given, _: otherwise if is_left_out(given) else quarter_hours(given),
            lambda given: not (is_little and is_left_out(given)),
        )
    }


def series_of_months(count: Callable[[Any], int] = lambda viewer: 1) -> dict[str, Reads]:
    """Metadata of a field that reads a month of as many communities as it counts for the viewer."""
    return {READS: Reads(lambda _, viewer: count(viewer) * MONTH_QUARTER_HOURS)}
