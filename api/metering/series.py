"""Packed series of readings, and how a series that cannot be given is refused."""

from collections.abc import Iterator
from contextlib import contextmanager

import strawberry

from api.graphql.scalars import DateTime
from api.transport.terms.errors import BadUserInput
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Resolution
from domain.metering.matrices import ResolutionTooCoarse


@strawberry.type(description="Energy of one direction, packed: one number per interval, the first at `start`.")
class ReadingSeries:
    start: DateTime = strawberry.field(description="Start of the first interval.")
    resolution: Resolution = strawberry.field(description="Length of an interval.")
    energy_kwh: list[float] = strawberry.field(
        description="Energy of each interval, kWh; where the interval is missing, what has arrived of it."
    )
    missing: list[int] = strawberry.field(
        description="Indices, from 0, of intervals that are not wholly measured; ascending, empty when all is there."
    )


@contextmanager
def refused_as_input() -> Iterator[None]:
    """Show what is wrong with the arguments of a query as BAD_USER_INPUT."""
    try:
        yield
    except InvalidValue as error:
        raise BadUserInput(error.message, argument=".".join(error.path)) from error
    except ResolutionTooCoarse as error:
        raise BadUserInput(error.message, argument="resolution", minutes=error.minutes) from error
