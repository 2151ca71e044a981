"""Packed series of readings, how a series that cannot be given is refused, and what of one is suppressed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import groupby

import strawberry

from api.graphql.periods import Period
from api.graphql.scalars import DateTime
from api.transport.terms.errors import BadUserInput
from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Resolution
from domain.kernel.suppression import Suppression
from domain.metering.matrices import ResolutionTooCoarse
from domain.metering.tables import Direction


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


@strawberry.type(description="Values of a series that are null because the viewer is not told them, and why.")
class Suppressed:
    direction: Direction = strawberry.field(description="Which way the energy went; what is made of both is null too.")
    period: Period = strawberry.field(description="From the first to the end of the last of the intervals.")
    reason: Suppression = strawberry.field(description="Why they are withheld.")


def suppressed(
    starts: Sequence[datetime], end: datetime, withheld: Mapping[Direction, Sequence[Suppression | None]]
) -> list[Suppressed]:
    """Neighbouring intervals that are withheld for the same reason, as one; the last one lasts until `end`."""
    bounds = [*starts, end]
    found = []
    for direction, reasons in withheld.items():
        for reason, places in groupby(range(len(reasons)), key=reasons.__getitem__):
            if reason is not None:
                first, *more = places
                period = Period(start=DateTime(bounds[first]), end=DateTime(bounds[[first, *more][-1] + 1]))
                found.append(Suppressed(direction=direction, period=period, reason=reason))
    return found
