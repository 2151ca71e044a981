"""A Strawberry server as a first version is written: ORM objects, data loaders, no caches, standard JSON.

    DATABASE_URL=... uvicorn tests.bench.peers.naive:app

It reads the same tables as we do, without authentication, limits or visibility.
"""

import base64
import json
import os
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Generic, NewType, TypeVar
from uuid import UUID

import strawberry
from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

from domain.communities import tables as communities
from domain.geography.tables import SubstationArea as AreaTable
from domain.kernel import tables as _all_tables  # noqa: F401 (foreign keys name tables of other contexts)
from domain.market.clearing import tables as market
from domain.market.orders import tables as order_tables
from domain.market.places import tables as market_market

T = TypeVar("T")
Json = NewType("Json", object)
sessions = async_sessionmaker(create_async_engine(os.environ["DATABASE_URL"], pool_size=10), expire_on_commit=False)


@strawberry.type
class PageInfo:
    has_next_page: bool
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    node: T


@strawberry.type
class Connection(Generic[T]):
    edges: list[Edge[T]]
    page_info: PageInfo


def page_of(rows: Sequence[Any], first: int, make: Any) -> Any:
    """A page of objects, of which one more was read than was asked for."""
    shown = rows[:first]
    cursor = base64.b64encode(str(shown[-1].id).encode()).decode() if shown else None
    return Connection(
        edges=[Edge(node=make(row)) for row in shown],
        page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=cursor),
    )


@strawberry.type
class SubstationArea:
    id: strawberry.ID
    code: str
    name: str


@strawberry.type
class Member:
    id: strawberry.ID
    name: str
    legal_form: str


@strawberry.type
class Community:
    row: strawberry.Private[Any]
    id: strawberry.ID
    name: str
    kind: str
    status: str
    country: str

    @strawberry.field
    def boundary(self) -> Json | None:
        text = self.row.boundary_geojson
        return None if text is None else Json(json.loads(text))

    @strawberry.field
    async def substation_area(self, info: strawberry.Info) -> SubstationArea | None:
        area: SubstationArea | None = await info.context["areas"].load(self.row.substation_area_id)
        return area

    @strawberry.field
    async def members(self, info: strawberry.Info, first: int) -> Connection[Member]:
        rows = await info.context["members"].load(self.row.id)
        found: Connection[Member] = page_of(rows, first, member_of)
        return found


@strawberry.type
class Trade:
    id: strawberry.ID
    delivery_start: datetime
    energy_ukwh: str
    price_ueur_per_kwh: str
    seller_price_ueur_per_kwh: str
    source: str | None


@strawberry.type
class Market:
    row: strawberry.Private[Any]
    id: strawberry.ID
    name: str

    @strawberry.field
    async def trades(self, first: int) -> Connection[Trade]:
        table = market.Trade
        query = select(table).where(table.market_id == self.row.id).order_by(table.id).limit(first + 1)
        async with sessions() as session:
            rows = list(await session.scalars(query))
        found: Connection[Trade] = page_of(rows, first, trade_of)
        return found


def community_of(row: communities.Community) -> Community:
    return Community(
        row=row,
        id=strawberry.ID(str(row.id)),
        name=row.name,
        kind=row.kind.value,
        status=row.status.value,
        country=row.country,
    )


def member_of(row: communities.Member) -> Member:
    return Member(id=strawberry.ID(str(row.id)), name=row.name, legal_form=row.legal_form.value)


def trade_of(row: market.Trade) -> Trade:
    return Trade(
        id=strawberry.ID(str(row.id)),
        delivery_start=row.delivery_start,
        energy_ukwh=str(row.energy_ukwh),
        price_ueur_per_kwh=str(row.price_ueur_per_kwh),
        seller_price_ueur_per_kwh=str(row.seller_price_ueur_per_kwh),
        source=row.source.value if row.source else None,
    )


async def load_areas(ids: list[UUID]) -> list[SubstationArea | None]:
    async with sessions() as session:
        rows = await session.scalars(select(AreaTable).where(AreaTable.id.in_(ids)))
    found = {row.id: SubstationArea(id=strawberry.ID(str(row.id)), code=row.code, name=row.name) for row in rows}
    return [found.get(id) for id in ids]


async def load_members(community_ids: list[UUID]) -> list[list[communities.Member]]:
    member, membership = communities.Member, communities.Membership
    in_force = or_(membership.valid_to.is_(None), membership.valid_to > func.current_date())
    query = (
        select(membership.community_id, member)
        .join(member, member.id == membership.member_id)
        .where(membership.community_id.in_(community_ids), membership.valid_from <= func.current_date(), in_force)
        .order_by(member.id)
    )
    found: dict[UUID, list[communities.Member]] = defaultdict(list)
    async with sessions() as session:
        for community_id, row in await session.execute(query):
            found[community_id].append(row)
    return [found[community_id] for community_id in community_ids]


async def _one(table: Any, id: str) -> Any:
    async with sessions() as session:
        return await session.get(table, UUID(id))


@strawberry.type
class Query:
    @strawberry.field
    async def community(self, id: strawberry.ID) -> Community | None:
        row = await _one(communities.Community, id)
        return community_of(row) if row else None

    @strawberry.field
    async def market(self, id: strawberry.ID) -> Market | None:
        row = await _one(market_market.Market, id)
        return Market(row=row, id=strawberry.ID(str(row.id)), name=row.name) if row else None

    @strawberry.field
    async def communities(self, first: int) -> Connection[Community]:
        async with sessions() as session:
            query = select(communities.Community).order_by(communities.Community.id).limit(first + 1)
            rows = list(await session.scalars(query))
        found: Connection[Community] = page_of(rows, first, community_of)
        return found


@strawberry.input
class PlacedOrderInput:
    market_id: strawberry.ID
    owner_id: strawberry.ID
    side: str
    energy_ukwh: str
    limit_price_ueur_per_kwh: str
    delivery_start: datetime
    delivery_end: datetime


@strawberry.type
class PlacedOrder:
    id: strawberry.ID
    status: str


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_placed_order(self, input: PlacedOrderInput) -> PlacedOrder:
        row = order_tables.Order(
            market_id=UUID(input.market_id),
            owner_id=UUID(input.owner_id),
            side=market_market.OrderSide(input.side),
            status=order_tables.OrderStatus.OPEN,
            energy_ukwh=int(input.energy_ukwh),
            limit_price_ueur_per_kwh=int(input.limit_price_ueur_per_kwh),
            delivery_start=input.delivery_start,
            delivery_end=input.delivery_end,
        )
        async with sessions.begin() as session:
            session.add(row)
        return PlacedOrder(id=strawberry.ID(str(row.id)), status=row.status.value)


class App(GraphQL[Any, Any]):
    """With loaders of each request's own."""

    async def get_context(self, request: Any, response: Any) -> Any:
        return {"areas": DataLoader(load_fn=load_areas), "members": DataLoader(load_fn=load_members)}


SCALARS: Any = {Json: strawberry.scalar(name="JSON", serialize=lambda value: value)}
app = App(strawberry.Schema(query=Query, mutation=Mutation, config=StrawberryConfig(scalar_map=SCALARS)))
