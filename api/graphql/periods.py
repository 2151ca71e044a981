"""Periods as GraphQL shows and takes them."""

import strawberry

from api.graphql.scalars import DateTime
from api.transport.terms.errors import BadUserInput
from domain.kernel.intervals import Period as Span


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
