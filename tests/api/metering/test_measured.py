"""What points measured over GraphQL: series and balances, and who reads them."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.graphql.context import Context
from api.resources.database import Database
from api.resources.events import Hub
from domain.communities.tables import Membership
from domain.identity.viewers import ANONYMOUS, Viewer
from tests.api.conftest import Execute
from tests.factories.communities import a_community, a_membership, a_participation, a_viewer_through, an_administrator
from tests.factories.identity import an_admin
from tests.factories.metering import A_DAY, a_reading_day, recorded

READINGS = """
query ($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
  node(id: $id) { ... on MeteringPoint {
    readings(period: $period, direction: WITHDRAWN, resolution: $resolution) { start resolution energyKwh missing }
  } }
}
"""
THE_DAY = {"start": "2026-01-14T23:00:00Z", "end": "2026-01-15T23:00:00Z"}


async def read(execute: Execute, viewer: Viewer, point_id: Any, period: Any = None, resolution: str = "DAY") -> Any:
    return await execute(
        READINGS, viewer, id=f"MeteringPoint:{point_id}", period=period or THE_DAY, resolution=resolution
    )


async def test_reads_a_day_in_hours(execute: Execute, session: AsyncSession, membership: Membership) -> None:
    part = await a_participation(session, membership)
    await recorded(session, a_reading_day(part.metering_point_id))

    answer = await read(execute, a_viewer_through(membership), part.metering_point_id, resolution="HOUR")

    assert answer.data["node"]["readings"] == {
        "start": THE_DAY["start"],
        "resolution": "HOUR",
        "energyKwh": [1.0] * 24,
        "missing": [],
    }


async def test_who_left_reads_only_its_own_days(
    execute: Execute, session: AsyncSession, membership: Membership
) -> None:
    following = A_DAY + timedelta(days=1)
    part = await a_participation(session, membership, valid_to=following)
    days = [a_reading_day(part.metering_point_id, day=day) for day in (A_DAY, following)]
    await recorded(session, *days)
    two_days = {"start": THE_DAY["start"], "end": "2026-01-16T23:00:00Z"}

    member = await read(execute, a_viewer_through(membership), part.metering_point_id, two_days)
    platform = await read(execute, an_admin(), part.metering_point_id, two_days)

    shown = [answer.data["node"]["readings"] for answer in (member, platform)]
    assert [(each["energyKwh"], each["missing"]) for each in shown] == [([24.0, 0.0], [1]), ([24.0, 24.0], [])]


@pytest.mark.parametrize("who", ["nobody", "stranger", "administrator elsewhere"])
async def test_others_do_not_see_a_point(
    execute: Execute, session: AsyncSession, membership: Membership, who: str
) -> None:
    part = await a_participation(session, membership)
    viewer = {
        "nobody": ANONYMOUS,
        "stranger": a_viewer_through(await a_membership(session, await a_community(session))),
        "administrator elsewhere": await an_administrator(session, await a_community(session)),
    }[who]

    answer = await read(execute, viewer, part.metering_point_id)

    assert (answer.data, answer.errors) == ({"node": None}, [])


@pytest.mark.parametrize(
    ("period", "resolution", "argument"),
    [
        ({"start": THE_DAY["end"], "end": THE_DAY["start"]}, "DAY", "period"),
        ({"start": "2026-01-15T00:00:00Z", "end": "2026-01-16T00:00:00Z"}, "DAY", "period"),
        ({"start": "2026-01-15T00:01:00Z", "end": "2026-01-16T00:00:00Z"}, "HOUR", "period"),
        ({"start": "2025-01-15T00:00:00Z", "end": "2026-01-16T00:00:00Z"}, "QUARTER_HOUR", "period"),
        ({"start": "0002-01-01T00:00:00Z", "end": "9998-12-31T00:00:00Z"}, "MONTH", "period"),
    ],
)
async def test_series_that_make_no_sense_are_refused(
    execute: Execute, session: AsyncSession, membership: Membership, period: Any, resolution: str, argument: str
) -> None:
    part = await a_participation(session, membership)

    answer = await read(execute, a_viewer_through(membership), part.metering_point_id, period, resolution)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", argument)]


async def test_an_operation_reads_at_most_twenty_series(session: AsyncSession, execute: Execute) -> None:
    community = await a_community(session)
    admin = await an_administrator(session, community)
    one = "balance(period: $period, resolution: DAY) { start }"

    def aliased(count: int) -> str:
        fields = " ".join(f"b{number}: {one}" for number in range(count))
        return f"query ($id: ID!, $period: PeriodInput!) {{ node(id: $id) {{ ... on Community {{ {fields} }} }} }}"

    ids = {"id": f"Community:{community.id}", "period": THE_DAY}
    enough = await execute(aliased(20), admin, **ids)
    too_many = await execute(aliased(21), admin, **ids)

    assert (enough.errors, len(enough.data["node"])) == ([], 20)
    assert [(error["code"], error["limit"]) for error in too_many.errors] == [("QUERY_TOO_COMPLEX", 20)]


def test_every_event_of_a_stream_counts_its_own_series() -> None:
    context = Context(cast(Database, SimpleNamespace(reading=None)), cast(Hub, None), ANONYMOUS)
    for _ in range(3):
        for _ in range(4):
            context.take_series()
        context.refresh()

    assert context.series_count == 0
