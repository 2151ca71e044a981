"""Communities A and B, who takes part in them and with what, and the traditions they follow."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import AssetKind, Community, Framework, Member, Participation
from domain.metering.tables import MeteringPoint
from tests.api.authorization.world import LEFT_ON, World
from tests.factories.communities import ADMIN_ROLES, a_community, a_member, a_membership, a_participation, an_asset


async def add_rows(session: AsyncSession, world: World) -> None:
    """All of it."""
    for framework in await session.scalars(select(Framework)):
        world.keep("Framework", f"{framework.code.value} since {framework.valid_from}", framework)
    area_id = world.rows["SubstationArea"]["area"]
    for name, is_listed in (("A", True), ("B", False)):
        facts = {"name": f"Community {name}", "is_listed": is_listed, "substation_area_id": area_id}
        world.keep("Community", name, await a_community(session, **facts))
    for name in ("ada", "bob", "cyn", "eve", "fred", "gus", "hal", "ivy"):
        user_id = world.rows["User"][name]
        world.keep("Member", name, await a_member(session, name=name.title(), user_id=user_id))
    for each in ("ada in A", "bob in A", "cyn in A", "eve in A", "fred in A", "eve in B", "fred in B", "gus in B"):
        await _takes_part(session, world, each)
    await _takes_part(session, world, "hal in A", "house", valid_to=LEFT_ON)
    await _takes_part(session, world, "ivy in A", "house", valid_from=LEFT_ON)
    await _assets(session, world)


async def _takes_part(session: AsyncSession, world: World, name: str, point: str = "", **span: Any) -> None:
    who, _, where = name.partition(" in ")
    roles = {"roles": ADMIN_ROLES} if name in {"ada in A", "eve in B"} else {}
    community = await session.get_one(Community, world.rows["Community"][where])
    member = await session.get_one(Member, world.rows["Member"][who])
    membership = await a_membership(session, community, member, **roles, **span)
    world.keep("Membership", name, membership)
    if name == "eve in B":  # She administers B without energy of her own.
        return
    factor = {"factor_ppm": 500_000} if who == "fred" else {}
    brought = await session.get_one(MeteringPoint, world.rows["MeteringPoint"][point or who])
    participation = await a_participation(session, membership, brought, **factor)
    world.keep("Participation", name, participation)


async def _assets(session: AsyncSession, world: World) -> None:
    battery: dict[str, Any] = {"kind": AssetKind.STORAGE, "capacity_ukwh": 10_000_000}
    having: tuple[tuple[str, dict[str, Any]], ...]
    having = (("bob in A", {}), ("fred in A", {}), ("fred in B", battery), ("ivy in A", {}), ("gus in B", {}))
    for name, facts in having:
        row = await session.get_one(Participation, world.rows["Participation"][name])
        world.keep("Asset", name, await an_asset(session, row, **facts))
