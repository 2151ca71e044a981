"""`node` and `nodes`: any entity by its global id, through the same predicate as every other read."""

import asyncio
from typing import Annotated, Any

import strawberry

from api.engine.declarations import ENTITIES, MARK, ById, Node, parse_id
from api.engine.fields import compiled
from api.graphql.context import Info
from api.transport.terms.errors import BadUserInput

AT_MOST = 100


async def _node(info: Info, id: str) -> Node | None:
    parsed = parse_id(id)
    if parsed is None:
        raise BadUserInput("This is not an id of this API.", argument="id")
    kind, key = parsed
    node: Node | None = await info.context.loaders.node(kind, key) if kind in ENTITIES else None
    return node


@strawberry.type
class NodeQueries:
    @strawberry.field(
        description="The object with this id; null when there is none that the viewer may see.", metadata={MARK: ById()}
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="A global id.")]
    ) -> Node | None:
        ready: Any = await compiled(info)
        return ready or await _node(info, id)

    @strawberry.field(
        description="The objects with these ids, in their order; null for each that is not to be seen.",
        metadata={MARK: ById()},
    )
    async def nodes(
        self, info: Info, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
    ) -> list[Node | None]:
        ready: Any = await compiled(info)
        if ready is not None:
            return ready  # type: ignore[no-any-return]
        if len(ids) > AT_MOST:
            raise BadUserInput(f"At most {AT_MOST} ids at a time.", argument="ids", maximum=AT_MOST)
        return list(await asyncio.gather(*(_node(info, id) for id in ids)))
