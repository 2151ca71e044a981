"""Assets over GraphQL."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities.tables import Asset, Community, FrameworkCode, Participation
from domain.identity.viewers import ANONYMOUS
from domain.kernel.database import new_id
from tests.api.conftest import Execute
from tests.factories.communities import (
    a_community,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
    an_asset,
)
from tests.factories.geography import a_substation_area
from tests.factories.identity import a_viewer, an_admin

ADD = """
mutation ($input: AddAssetInput!) {
  addAsset(input: $input) {
    asset { name kind powerKw capacityKwh commissionedOn community { name } }
    errors { __typename code path ... on PlantTooLarge { maximumKw } }
  }
}
"""


@pytest.fixture
async def community(session: AsyncSession) -> Community:
    area = await a_substation_area(session)
    return await a_community(
        session, name="CER", framework_code=FrameworkCode.IT_CER, country="IT", substation_area_id=area.id
    )


@pytest.fixture
async def part(session: AsyncSession, community: Community) -> Participation:
    return await a_participation(session, await a_membership(session, community))


def given(part: Participation, **overrides: Any) -> dict[str, Any]:
    return {
        "communityId": f"Community:{part.community_id}",
        "meteringPointId": f"MeteringPoint:{part.metering_point_id}",
        "name": "Roof",
        "kind": "PV",
        "powerKw": "4.95",
    } | overrides


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"commissionedOn": "2024-05-01"}, {"commissionedOn": "2024-05-01"}),
        ({"powerKw": "1000"}, {"powerKw": "1000"}),
        ({"kind": "STORAGE", "powerKw": "5000", "capacityKwh": "10.5"}, {"powerKw": "5000", "capacityKwh": "10.5"}),
    ],
)
async def test_adds_an_asset(
    execute: Execute, session: AsyncSession, community: Community, part: Participation, change: Any, shown: Any
) -> None:
    answer = await execute(ADD, await an_administrator(session, community), input=given(part, **change))

    plain = {"name": "Roof", "kind": change.get("kind", "PV"), "powerKw": "4.95", "capacityKwh": None}
    expected = plain | {"commissionedOn": None, "community": {"name": "CER"}} | shown
    assert answer.data["addAsset"] == {"asset": expected, "errors": []}


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"name": ""}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["name"]}),
        ({"powerKw": "0"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["powerKw"]}),
        ({"powerKw": "-1"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["powerKw"]}),
        ({"powerKw": "0.0001"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["powerKw"]}),
        ({"capacityKwh": "1"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["capacityKwh"]}),
        ({"kind": "STORAGE"}, {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["capacityKwh"]}),
        (
            {"kind": "STORAGE", "capacityKwh": "0"},
            {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": ["capacityKwh"]},
        ),
        (
            {"powerKw": "1000.001"},
            {"__typename": "PlantTooLarge", "code": "PLANT_TOO_LARGE", "path": ["powerKw"], "maximumKw": "1000"},
        ),
        (
            {"meteringPointId": f"MeteringPoint:{new_id()}"},
            {"__typename": "NotFound", "code": "NOT_FOUND", "path": None},
        ),
    ],
)
async def test_refuses_an_asset(
    execute: Execute, session: AsyncSession, community: Community, part: Participation, change: Any, refusal: Any
) -> None:
    answer = await execute(ADD, await an_administrator(session, community), input=given(part, **change))

    assert answer.refusals("addAsset") == [refusal]
    assert (await session.execute(select(Asset.id))).all() == []


@pytest.mark.parametrize(
    ("who", "seen", "may_add"),
    [
        ("nobody", 0, False),
        ("stranger", 0, False),
        ("other member", 0, False),
        ("owner", 1, False),
        ("administrator", 1, True),
        ("platform administrator", 1, True),
    ],
)
async def test_who_sees_and_adds_assets(
    execute: Execute,
    session: AsyncSession,
    community: Community,
    part: Participation,
    who: str,
    seen: int,
    may_add: bool,
) -> None:
    await an_asset(session, part)
    viewer = {
        "nobody": ANONYMOUS,
        "stranger": a_viewer(),
        "other member": a_viewer_through(await a_membership(session, community)),
        "owner": a_viewer(member_ids=frozenset({part.member_id})),
        "administrator": await an_administrator(session, community),
        "platform administrator": an_admin(),
    }[who]

    shown = await execute(
        "query ($id: ID!) { node(id: $id) { ... on Community { assets { totalCount } } } }",
        viewer,
        id=f"Community:{community.id}",
    )
    added = await execute(ADD, viewer, input=given(part))

    assert shown.data["node"]["assets"]["totalCount"] == seen
    assert (added.errors == []) is may_add
    assert len((await session.execute(select(Asset.id))).all()) == 1 + may_add
