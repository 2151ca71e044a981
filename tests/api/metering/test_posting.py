"""Gateways post readings: exact, once, and only for points of their owner."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx2
import orjson
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from api.metering import posting
from api.resources.database import Database
from domain.communities.tables import Community, CommunityRole
from domain.identity.tables import ApiKeyKind, User
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.metering.tables import MeteringPoint, Reading, ReadingImport
from tests.api.conftest import OneTransaction
from tests.factories.communities import a_community, a_member, a_membership, a_participation
from tests.factories.identity import a_user, a_viewer
from tests.factories.metering import a_metering_point

START = "2026-01-15T00:00:00+01:00"
Post = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
async def point(session: AsyncSession) -> MeteringPoint:
    return await a_metering_point(session, code="LU" + "1" * 31)


@pytest.fixture
async def gateway(session: AsyncSession, point: MeteringPoint) -> Viewer:
    """A gateway of the one who brings the point."""
    owner = await a_user(session)
    community: Community = await a_community(session)
    await a_participation(session, await a_membership(session, community, await a_member(session, owner)), point)
    return a_gateway(owner.id)


def a_gateway(owner_id: Any, **overrides: Any) -> Viewer:
    facts = {"api_key_kind": ApiKeyKind.METER, "scopes": frozenset({"readings:write"}), "api_key_id": new_id()}
    return a_viewer(user_id=owner_id, **(facts | overrides))


@pytest.fixture
def post(session: AsyncSession, gateway: Viewer) -> Post:
    database = cast(Database, OneTransaction(session))

    async def run(body: Any, viewer: Viewer = gateway) -> tuple[int, Any]:
        async def authenticate(token: str | None, address: str) -> Viewer:
            return viewer

        app = Starlette(routes=posting.routes(database, authenticate))
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
            content = body if isinstance(body, bytes) else orjson.dumps(body)
            answer = await client.post(posting.PATH, content=content)
        return answer.status_code, answer.json()

    return run


def an_entry(point: MeteringPoint, /, **overrides: Any) -> dict[str, Any]:
    facts = {"point": point.code, "direction": "WITHDRAWN", "resolutionMinutes": 15, "start": START}
    return {name: value for name, value in (facts | {"values": ["0.25"]} | overrides).items() if value is not None}


async def stored(session: AsyncSession) -> list[tuple[Any, ...]]:
    query = select(Reading.day, Reading.version, Reading.total_ukwh, Reading.is_complete).order_by(Reading.day)
    return [tuple(row) for row in await session.execute(query)]


async def test_keeps_intervals_across_midnight(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    status, answer = await post(
        {"readings": [an_entry(point, start="2026-01-15T22:45:00Z", values=["0.25", 1, 0.000001])]}
    )

    assert status == 200
    assert {name: answer[name] for name in ("created", "filled", "corrected", "unchanged", "values")} == {
        "created": 2,
        "filled": 0,
        "corrected": 0,
        "unchanged": 0,
        "values": 3,
    }
    days = [(day.isoformat(), *others) for day, *others in await stored(session)]
    assert days == [("2026-01-15", 1, 250_000, False), ("2026-01-16", 1, 1_000_001, False)]


async def test_fills_the_day_bit_by_bit(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    for hour in range(24):
        start = datetime(2026, 1, 14, 23, tzinfo=UTC) + timedelta(hours=hour)
        status, _ = await post({"readings": [an_entry(point, start=start.isoformat(), values=["0.25"] * 4)]})
        assert status == 200

    assert [row[1:] for row in await stored(session)] == [(1, 24_000_000, True)]


async def test_a_counter_gives_its_differences(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    register = [
        {"at": "2026-01-15T00:00:00+01:00", "kwh": "1042.5"},
        {"at": "2026-01-15T00:15:00+01:00", "kwh": "1042.5"},
        {"at": "2026-01-15T00:30:00+01:00", "kwh": "1043.000001"},
    ]

    status, _ = await post({"readings": [an_entry(point, register=register, values=None, start=None)]})

    values = (await session.execute(select(Reading.values_ukwh))).scalar_one()
    assert (status, values[:3]) == (200, [0, 500_001, None])


async def test_the_same_batch_again_changes_nothing(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    batch = {"readings": [an_entry(point, values=["0.25"] * 96)]}
    _, first = await post(batch)

    status, again = await post(batch)

    assert (status, again) == (200, first | {"created": 0, "unchanged": 1, "isRepeated": True})
    assert [row[1:] for row in await stored(session)] == [(1, 24_000_000, True)]


async def test_a_correction_is_a_new_version(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    await post({"readings": [an_entry(point, values=["0.25"] * 96)]})

    _, answer = await post({"readings": [an_entry(point, values=["0.5"])]})

    assert answer["corrected"] == 1
    assert sorted(row[1:] for row in await stored(session)) == [(1, 24_000_000, True), (2, 24_250_000, True)]


FUTURE = (datetime.now(UTC) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0).isoformat()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"point": "LU" + "2" * 31}, "point"),
        ({"point": "\u0000"}, "point"),
        ({"point": 7}, "point"),
        ({"direction": "SIDEWAYS"}, "direction"),
        ({"direction": ["WITHDRAWN"]}, "direction"),
        ({"quality": "GOOD"}, "quality"),
        ({"resolutionMinutes": 7}, "resolutionMinutes"),
        ({"resolutionMinutes": True}, "resolutionMinutes"),
        ({"start": "2026-01-15T00:00:00"}, "start"),
        ({"start": "yesterday"}, "start"),
        ({"start": "2026-01-15T00:05:00Z"}, "start"),
        ({"start": "1999-01-15T00:00:00Z"}, "start"),
        ({"start": "0001-01-01T00:00:00+14:00"}, "start"),
        ({"start": "9999-12-31T23:45:00-12:00"}, "start"),
        ({"start": FUTURE}, "values"),
        ({"values": []}, "values"),
        ({"values": ["0.25", "-1"]}, "values"),
        ({"values": ["0.0000001"]}, "values"),
        ({"values": ["NaN"]}, "values"),
        ({"values": ["1e400"]}, "values"),
        ({"values": [None]}, "values"),
        ({"values": [True]}, "values"),
        ({"values": ["1000001"]}, "values"),
        ({"values": None}, "values"),
        ({"register": []}, "values"),
        ({"values": None, "register": [{"at": START, "kwh": "1"}]}, "register"),
        ({"values": None, "register": [7, 8]}, "register"),
        (
            {"values": None, "register": [{"at": START, "kwh": 2}, {"at": "2026-01-15T00:15:00+01:00", "kwh": 1}]},
            "register",
        ),
        (
            {"values": None, "register": [{"at": START, "kwh": 1}, {"at": "2026-01-15T01:00:00+01:00", "kwh": 2}]},
            "register",
        ),
    ],
)
async def test_one_bad_entry_refuses_all(
    post: Post, session: AsyncSession, point: MeteringPoint, change: dict[str, Any], field: str
) -> None:
    status, answer = await post({"readings": [an_entry(point, direction="INJECTED"), an_entry(point, **change)]})

    assert status == 422
    assert [(error["index"], error["field"]) for error in answer["errors"]] == [(1, field)]
    assert await stored(session) == []


async def test_an_interval_that_stands_twice_is_refused(
    post: Post, session: AsyncSession, point: MeteringPoint
) -> None:
    twice = await post({"readings": [an_entry(point), an_entry(point, values=["0.5"])]})
    mixed = await post({"readings": [an_entry(point), an_entry(point, resolutionMinutes=60)]})
    same = await post({"readings": [an_entry(point), an_entry(point)]})

    assert [status for status, _ in (twice, mixed, same)] == [422, 422, 422]
    assert await stored(session) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[]",
        b'{"readings": []}',
        b'{"readings": [1]}',
        b'{"readings": NaN}',
        b'{"readings": [{"values": [1e99999999999999999999]}]}',
        b"[" * 100_000,
        b'{"readings": [{"values": [' + b"1" * 5_000 + b"]}]}",
    ],
)
async def test_what_is_no_batch_is_refused(post: Post, session: AsyncSession, body: bytes) -> None:
    status, answer = await post(body)

    assert (status, answer["errors"][0]["extensions"]["code"]) == (400, "BAD_USER_INPUT")
    assert await stored(session) == []


async def test_a_batch_has_at_most_ten_thousand_values(post: Post, session: AsyncSession, point: MeteringPoint) -> None:
    start = "2025-06-01T00:00:00+02:00"

    most, _ = await post({"readings": [an_entry(point, start=start, values=[1] * 10_000)]})
    more, _ = await post({"readings": [an_entry(point, direction="INJECTED", start=start, values=[1] * 10_001)]})
    larger, _ = await post(b" " * (posting.BODY_LIMIT.bytes_max + 1))

    assert (most, more, larger) == (200, 413, 413)
    assert (await session.execute(select(func.count()).select_from(ReadingImport))).scalar_one() == 1


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("a person", 403),
        ("a partner", 403),
        ("a gateway without the scope", 403),
        ("a gateway of another", 422),
        ("a gateway of the owner", 200),
    ],
)
async def test_who_may_post(
    post: Post, session: AsyncSession, gateway: Viewer, point: MeteringPoint, who: str, status: int
) -> None:
    viewer = {
        "nobody": ANONYMOUS,
        "a person": a_viewer(user_id=gateway.user_id),
        "a partner": a_gateway(gateway.user_id, api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({"read"})),
        "a gateway without the scope": a_gateway(gateway.user_id, scopes=frozenset()),
        "a gateway of another": a_gateway((await a_user(session)).id),
        "a gateway of the owner": gateway,
    }[who]

    answered, _ = await post({"readings": [an_entry(point)]}, viewer)

    assert answered == status
    assert len(await stored(session)) == (status == 200)


async def test_an_administrator_posts_for_points_of_the_community(
    post: Post, session: AsyncSession, gateway: Viewer
) -> None:
    community = await a_community(session)
    part = await a_participation(session, await a_membership(session, community))
    other = await session.get_one(MeteringPoint, part.metering_point_id)
    member = await a_member(session, await session.get_one(User, gateway.user_id))

    before, _ = await post({"readings": [an_entry(other)]})
    await a_membership(session, community, member, roles=(CommunityRole.ADMIN,))
    after, _ = await post({"readings": [an_entry(other)]})

    assert (before, after) == (422, 200)
