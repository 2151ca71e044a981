"""The operator's own allocation by upload and by command: all or nothing, for administrators, of this community."""

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from api.engine.declarations import global_id
from api.resources.database import Database
from api.sharing import command, operator_figures
from domain.communities.tables import Community
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.metering.tables import Direction
from domain.sharing.tables import OperatorFigure
from tests.api.conftest import OneTransaction
from tests.factories.communities import (
    a_community,
    a_membership,
    a_participation,
    a_viewer_through,
    an_administrator,
)
from tests.factories.identity import a_viewer, an_admin
from tests.factories.metering import a_metering_point

Upload = Callable[..., Awaitable[tuple[int, Any]]]
FORMAT = {
    "layout": "WIDE",
    "unit": "KWH",
    "resolution": "PT15M",
    "intervalLabel": "START",
    "clock": "Europe/Luxembourg",
    "timezone": "Europe/Luxembourg",
    "timeFormat": "%Y-%m-%d %H:%M",
    "fileKind": "CSV",
    "timeColumn": "time",
    "columns": '[{"name": "covered", "point": "HOME-1", "direction": "WITHDRAWN"}]',
}


def a_file(kwh: str = "0.000727", quarters: int = 96) -> bytes:
    labels = (f"2026-01-15 {n // 4:02}:{n % 4 * 15:02}" for n in range(quarters))
    return "\n".join(["time,covered", *(f"{label},{kwh}" for label in labels), ""]).encode()


@pytest.fixture
async def community(session: AsyncSession) -> Community:
    found = await a_community(session)
    await a_participation(session, await a_membership(session, found), await a_metering_point(session, code="HOME-1"))
    return found


@pytest.fixture
def upload(session: AsyncSession, community: Community) -> Upload:
    database = cast(Database, OneTransaction(session))

    async def run(viewer: Viewer, file: bytes, **parameters: str) -> tuple[int, Any]:
        async def authenticate(token: str | None, address: str) -> Viewer:
            return viewer

        app = Starlette(routes=operator_figures.routes(database, authenticate))
        given = FORMAT | {"community": global_id("Community", community.id)} | parameters
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
            answer = await client.post(operator_figures.PATH, params=given, content=file)
        return answer.status_code, answer.json()

    return run


async def stored(session: AsyncSession) -> list[tuple[Any, ...]]:
    columns = (OperatorFigure.direction, OperatorFigure.version, OperatorFigure.shared_ukwh)
    return [tuple(row) for row in await session.execute(select(*columns).order_by(OperatorFigure.version))]


async def test_a_newer_statement_of_a_day_stands_beside_the_older(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    administrator = await an_administrator(session, community)

    first, report = await upload(administrator, a_file())
    second, _ = await upload(administrator, a_file("0.5"))

    assert (first, second) == (200, 200)
    assert (report["rows"], report["values"], report["days"], report["faults"]) == (96, 96, 1, [])
    assert await stored(session) == [
        (Direction.WITHDRAWN, 1, [727] * 96),
        (Direction.WITHDRAWN, 2, [500_000] * 96),
    ]


async def test_a_file_with_a_gap_is_refused_by_row(upload: Upload, session: AsyncSession, community: Community) -> None:
    status, report = await upload(await an_administrator(session, community), a_file(quarters=95))

    assert (status, report["faultCount"], report["faults"][0]["code"]) == (422, 1, "GAP")
    assert await stored(session) == []


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        ({"unit": ""}, "unit"),
        ({"gross": "true"}, "gross"),
        ({"timezone": "Europe/Rome"}, "timezone"),
        ({"community": "HOME-1"}, "community"),
        ({"community": global_id("Community", new_id())}, "community"),
        ({"surprise": "1"}, "surprise"),
    ],
)
async def test_parameters_are_refused_by_name(
    upload: Upload, session: AsyncSession, community: Community, parameters: dict[str, str], argument: str
) -> None:
    status, answer = await upload(await an_administrator(session, community), a_file(), **parameters)

    assert (status, answer["errors"][0]["extensions"]["argument"]) == (400, argument)
    assert await stored(session) == []


async def test_figures_in_other_intervals_than_ours_are_refused(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    """They could not be compared."""
    hours = b"\n".join([b"time,covered", *(b"2026-01-15 %02d:00,0.5" % hour for hour in range(24)), b""])

    status, answer = await upload(await an_administrator(session, community), hours, resolution="PT1H")

    assert (status, answer["errors"][0]["extensions"]["argument"]) == (400, "resolution")
    assert await stored(session) == []


async def test_points_of_another_community_are_refused(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    other = await a_community(session)
    await a_participation(
        session, await a_membership(session, other), await a_metering_point(session, code="ELSEWHERE")
    )
    columns = FORMAT["columns"].replace("HOME-1", "ELSEWHERE")

    as_administrator = await upload(await an_administrator(session, community), a_file(), columns=columns)
    as_platform = await upload(an_admin(), a_file(), columns=columns)

    assert (as_administrator[0], as_administrator[1]["unknownPoints"]) == (422, ["ELSEWHERE"])
    assert as_platform[0] == 400
    assert "does not take part" in as_platform[1]["errors"][0]["message"]
    assert await stored(session) == []


async def test_only_administrators_of_the_community_import(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    administrator = await an_administrator(session, community)
    member = a_viewer_through(await a_membership(session, community))
    key = a_viewer(api_key_id=new_id(), administered_ids=administrator.administered_ids)

    statuses = [(await upload(viewer, a_file()))[0] for viewer in (ANONYMOUS, a_viewer(), member, key)]

    assert statuses == [401, 403, 403, 403]
    assert await stored(session) == []
    assert (await upload(an_admin(), a_file()))[0] == 200


async def test_the_command_stores_a_file_or_says_why_not(
    session: AsyncSession, community: Community, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(a_file())
    bad.write_bytes(a_file("much"))

    statuses = [await run(session, community, str(path)) for path in (bad, good, tmp_path / "none.csv")]

    assert statuses == [1, 0, 1]
    said = capsys.readouterr()
    assert said.out == "96 rows, 96 figures of 1 days.\n"
    assert "row 2, column covered:" in said.err
    assert "none.csv cannot be read" in said.err
    assert len(await stored(session)) == 1


async def run(session: AsyncSession, community: Community, path: str) -> int:
    parser = argparse.ArgumentParser(prog="commonwatt")
    command.add_commands(parser.add_subparsers(required=True))
    given = {"layout": "layout", "unit": "unit", "resolution": "resolution", "intervalLabel": "interval-label"}
    given |= {"clock": "clock", "timezone": "timezone", "timeFormat": "time-format", "fileKind": "file-kind"}
    given |= {"timeColumn": "time-column", "columns": "columns"}
    options = [part for name, option in given.items() for part in (f"--{option}", FORMAT[name])]
    chosen = ["operator-figures", path, "--community", global_id("Community", community.id), *options]
    parsed = parser.parse_args(chosen)
    status: int = await parsed.act(cast(Database, OneTransaction(session)), parsed)
    return status
