"""The one schema: what every room offers, put together."""

from collections.abc import Sequence
from functools import cache
from itertools import chain
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from api import house
from api.engine.declarations import ENTITIES, leading
from api.engine.execution import Executor
from api.graphql.context import Info
from api.graphql.mutations import UserError
from api.graphql.scalars import SCALARS


def make_schema(*, is_sorted: bool = False) -> strawberry.Schema:
    """The schema, with every entity and every refusal in it, also those that no field names.

    Sorted it is for printing only: sorting makes Strawberry hand texts to resolvers instead of enums.
    """
    query, mutation, subscription = _root_types()
    return strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        types=[*(entity.type for entity in ENTITIES.values()), *UserError.__subclasses__()],
        execution_context_class=Executor,
        config=StrawberryConfig(scalar_map=SCALARS, sort_schema=is_sorted),
    )


@cache
def _root_types() -> tuple[type, type, type]:
    """The root types, of the fields that rooms declare. Made once: all rooms are imported by that."""
    rooms = list(house.rooms())
    own = _made("Viewer", "Who is asking, and what is theirs.", [room.viewer for room in rooms])

    @strawberry.type
    class ViewerQueries:
        @strawberry.field(description="Who is asking; null when nobody is signed in.", graphql_type=own | None)
        def viewer(self, info: Info) -> Any:
            user_id = info.context.viewer.user_id
            return None if user_id is None else leading(own(), user=user_id, wallet=user_id)

    return (
        _made("Query", "Everything that can be read.", [[ViewerQueries], *(room.queries for room in rooms)]),
        _made(
            "Mutation",
            "Everything that can be changed; each field is one transaction.",
            [room.mutations for room in rooms],
        ),
        _made("Subscription", "Everything that can be followed.", [room.subscriptions for room in rooms]),
    )


def _made(name: str, description: str, parts: Sequence[Sequence[type]]) -> Any:
    return strawberry.type(type(name, tuple(chain.from_iterable(parts)), {}), description=description)
