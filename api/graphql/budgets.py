"""The budget of who asks."""

import math
from datetime import timedelta

import strawberry

from api.graphql.scalars import DateTime
from api.resources import clock
from api.transport.terms import operations


@strawberry.type(description="The budget of the caller: a bucket of points that refills steadily.")
class RateLimit:
    cost: int = strawberry.field(
        description="Points that this operation costs: its nodes and what its series read, at least 1."
    )
    limit: int = strawberry.field(description="Points in a full bucket.")
    remaining: int = strawberry.field(description="Points left after this operation.")
    reset_at: DateTime = strawberry.field(description="When the bucket will be full again if nothing more is taken.")
    node_count: int = strawberry.field(description="Objects this operation may return, by multiplying page sizes.")


@strawberry.type
class BudgetQueries:
    @strawberry.field(description="The caller's budget; null where none is kept.")
    def rate_limit(self) -> RateLimit | None:
        operation = operations.current()
        if operation is None or operation.budget is None:
            return None
        budget = operation.budget
        missing = budget.rate.capacity - budget.remaining
        reset_at = clock.outside() + timedelta(seconds=math.ceil(missing / budget.rate.refill_per_s))
        return RateLimit(
            cost=operation.cost,
            limit=budget.rate.capacity,
            remaining=budget.remaining,
            reset_at=DateTime(reset_at),
            node_count=operation.node_count,
        )
