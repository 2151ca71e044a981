"""What this room adds to the house."""

from api.graphql.budgets import BudgetQueries
from api.graphql.mutations import (
    CODE_TAKEN,
    IDEMPOTENCY_IN_PROGRESS,
    IDEMPOTENCY_KEY_REUSED,
    INVALID_INPUT,
    NOT_FOUND,
    OVERLAP,
    REFUSED,
    STALE_VERSION,
)
from api.graphql.nodes import NodeQueries
from api.graphql.rooms import Room
from api.graphql.words import describe
from domain.kernel.intervals import Resolution

ROOM = Room(
    queries=(NodeQueries, BudgetQueries),
    enums=(
        describe(
            Resolution,
            "Length of one value of a series.",
            QUARTER_HOUR="15 minutes.",
            HALF_HOUR="30 minutes.",
            HOUR="60 minutes.",
            DAY="A local day of 23, 24 or 25 hours.",
            MONTH="A local calendar month.",
        ),
    ),
    refusals=(
        CODE_TAKEN,
        IDEMPOTENCY_IN_PROGRESS,
        IDEMPOTENCY_KEY_REUSED,
        INVALID_INPUT,
        NOT_FOUND,
        OVERLAP,
        REFUSED,
        STALE_VERSION,
    ),
)
