"""Meter files by upload and by command: all or nothing, for administrators."""

import argparse
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from api.metering import command, imports
from api.resources import apart
from api.resources.database import Database
from domain.communities.tables import Community
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from domain.metering.tables import Direction, Reading
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
    "resolution": "PT1H",
    "intervalLabel": "START",
    "clock": "Europe/Luxembourg",
    "timezone": "Europe/Luxembourg",
    "timeFormat": "%Y-%m-%d %H:%M",
    "fileKind": "CSV",
    "timeColumn": "time",
    "columns": '[{"name": "load", "point": "HOME-1", "direction": "WITHDRAWN"}]',
}


def a_file(kwh: str = "0.5", bad_row: str = "0.5") -> bytes:
    """A day of hours; row 4 may be another."""
    rows = [f"2026-01-15 {hour:02}:00,{bad_row if hour == 2 else kwh}" for hour in range(24)]
    return "\n".join(["time,load", *rows, ""]).encode()


@pytest.fixture
async def community(session: AsyncSession) -> Community:
    found = await a_community(session)
    await a_participation(session, await a_membership(session, found), await a_metering_point(session, code="HOME-1"))
    return found


@pytest.fixture
def upload(session: AsyncSession) -> Upload:
    database = cast(Database, OneTransaction(session))

    async def run(viewer: Viewer, file: bytes, form: bool = False, **parameters: str) -> tuple[int, Any]:
        async def authenticate(token: str | None, address: str) -> Viewer:
            return viewer

        app = Starlette(routes=imports.routes(database, authenticate))
        given = FORMAT | parameters
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
            if form:
                answer = await client.post(imports.PATH, data=given, files={"file": ("day.csv", file)})
            else:
                answer = await client.post(imports.PATH, params=given, content=file)
        return answer.status_code, answer.json()

    return run


async def stored(session: AsyncSession) -> list[tuple[Any, ...]]:
    rows = await session.execute(select(Reading.direction, Reading.total_ukwh).order_by(Reading.direction))
    return [tuple(row) for row in rows]


@pytest.mark.parametrize("form", [True, False])
async def test_stores_a_file(upload: Upload, session: AsyncSession, community: Community, form: bool) -> None:
    status, report = await upload(await an_administrator(session, community), a_file(), form)

    assert status == 200
    assert (report["rows"], report["values"], report["created"], report["faults"]) == (24, 24, 1, [])
    assert await stored(session) == [(Direction.WITHDRAWN, 12_000_000)]


async def test_the_same_file_again_changes_nothing(upload: Upload, session: AsyncSession, community: Community) -> None:
    viewer = await an_administrator(session, community)
    await upload(viewer, a_file())

    status, report = await upload(viewer, a_file())

    assert (status, report["created"], report["unchanged"], report["isRepeated"]) == (200, 0, 1, True)


async def test_gross_generation_and_load_are_netted(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    rows = [f"2026-01-15 {hour:02}:00,1,{3 if hour == 12 else 0}" for hour in range(24)]
    columns = (
        '[{"name": "load", "point": "HOME-1", "direction": "WITHDRAWN"},'
        ' {"name": "sun", "point": "HOME-1", "direction": "INJECTED"}]'
    )
    file = "\n".join(["time,load,sun", *rows, ""]).encode()

    status, _ = await upload(await an_administrator(session, community), file, columns=columns, gross="true")

    assert status == 200
    assert await stored(session) == [(Direction.INJECTED, 2_000_000), (Direction.WITHDRAWN, 23_000_000)]


async def test_faults_are_named_by_row_and_column(upload: Upload, session: AsyncSession, community: Community) -> None:
    status, report = await upload(await an_administrator(session, community), a_file(bad_row="much"))

    assert status == 422
    assert [(fault["code"], fault["row"], fault["column"]) for fault in report["faults"]] == [
        ("NOT_A_NUMBER", 4, "load")
    ]
    assert await stored(session) == []


@pytest.mark.parametrize(
    ("parameters", "argument"),
    [
        ({"unit": "BTU"}, "unit"),
        ({"resolution": "P1D"}, "resolution"),
        ({"clock": "Mars/Olympus"}, "clock"),
        ({"clock": "+99:99"}, "clock"),
        ({"timezone": "../etc"}, "timezone"),
        ({"timezone": "Europe/Rome", "clock": "Europe/Rome"}, "timezone"),
        ({"layout": "TALL"}, "layout"),
        ({"fileKind": "PDF"}, "fileKind"),
        ({"columns": "{"}, "columns"),
        ({"columns": "{}"}, "columns"),
        ({"columns": "[1]"}, "columns"),
        ({"columns": '[{"name": "load", "point": "HOME-1", "direction": "UP"}]'}, "columns"),
        ({"headerRow": "-1"}, "headerRow"),
        ({"gross": "maybe"}, "gross"),
        ({"colour": "red"}, "colour"),
        ({"timeColumn": ""}, "timeColumn"),
        ({"layout": "LONG"}, "pointColumn"),
        ({"layout": "TEMPLATE", "firstDay": "soon", "point": "HOME-1"}, "firstDay"),
        (
            {"layout": "TEMPLATE", "firstDay": "2026-01-01", "point": "x", "annualKwh": '{"UP": 1}'},
            "annualKwh",
        ),
        ({"layout": "TEMPLATE", "firstDay": "2026-01-01", "point": "x", "annualKwh": '{"INJECTED": "x"}'}, "annualKwh"),
    ],
)
async def test_parameters_are_refused_by_name(
    upload: Upload, session: AsyncSession, community: Community, parameters: dict[str, str], argument: str
) -> None:
    status, answer = await upload(await an_administrator(session, community), a_file(), **parameters)

    extensions = answer["errors"][0]["extensions"]
    assert (status, extensions["code"], extensions["argument"]) == (400, "BAD_USER_INPUT", argument)
    assert await stored(session) == []


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("nobody", 401),
        ("stranger", 403),
        ("member", 403),
        ("application", 403),
        ("administrator elsewhere", 422),
        ("administrator", 200),
        ("platform administrator", 200),
    ],
)
async def test_who_may_upload(
    upload: Upload, session: AsyncSession, community: Community, who: str, status: int
) -> None:
    viewer = {
        "nobody": ANONYMOUS,
        "stranger": a_viewer(),
        "member": a_viewer_through(await a_membership(session, community)),
        "application": a_viewer(api_key_id=new_id(), administered_ids=frozenset({community.id})),
        "administrator elsewhere": await an_administrator(session, await a_community(session)),
        "administrator": await an_administrator(session, community),
        "platform administrator": an_admin(),
    }[who]

    answered, _ = await upload(viewer, a_file())

    assert answered == status
    assert len(await stored(session)) == (status == 200)


async def test_points_that_are_unknown_are_named(upload: Upload, session: AsyncSession, community: Community) -> None:
    columns = '[{"name": "load", "point": "HOME-2", "direction": "WITHDRAWN"}]'

    status, answer = await upload(await an_administrator(session, community), a_file(), columns=columns)

    assert (status, answer["unknownPoints"]) == (422, ["HOME-2"])


async def test_a_file_that_is_too_large_is_refused(upload: Upload, session: AsyncSession, community: Community) -> None:
    status, _ = await upload(await an_administrator(session, community), bytes(imports.BODY_LIMIT.bytes_max + 1))

    assert status == 413


async def test_one_file_of_a_caller_is_read_at_a_time(
    upload: Upload, session: AsyncSession, community: Community
) -> None:
    viewer = await an_administrator(session, community)
    other = await an_administrator(session, community)

    async with apart.alone(viewer.key):
        status, body = await upload(viewer, a_file())
        status_of_other, _ = await upload(other, a_file())
    afterwards, _ = await upload(viewer, a_file())

    assert (status, body["errors"][0]["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert (status_of_other, afterwards) == (200, 200)


async def test_a_form_without_a_file_is_refused(session: AsyncSession, community: Community) -> None:
    viewer = await an_administrator(session, community)

    async def authenticate(token: str | None, address: str) -> Viewer:
        return viewer

    app = Starlette(routes=imports.routes(cast(Database, OneTransaction(session)), authenticate))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://test") as client:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        broken = await client.post(imports.PATH, params=FORMAT, headers=headers, content=b"--y")
        without = await client.post(imports.PATH, params=FORMAT, files={"other": ("day.csv", a_file())})

    assert (broken.status_code, without.status_code) == (400, 400)


def options(path: Path, **changes: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_commands(parser.add_subparsers())
    named = {"".join(f"-{c.lower()}" if c.isupper() else c for c in name): text for name, text in FORMAT.items()}
    return parser.parse_args(["readings", str(path), *(f"--{name}={text}" for name, text in (named | changes).items())])


async def test_the_command_stores_a_file_or_says_why_not(
    session: AsyncSession, community: Community, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database = cast(Database, OneTransaction(session))
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_bytes(a_file())
    bad.write_bytes(a_file(bad_row="much"))

    statuses = []
    for path in (bad, tmp_path / "none.csv", good):
        arguments = options(path)
        statuses.append(await arguments.act(database, arguments))

    printed = capsys.readouterr()
    assert statuses == [1, 1, 0]
    assert "row 4, column load" in printed.err
    assert "1 days created" in printed.out
    assert await stored(session) == [(Direction.WITHDRAWN, 12_000_000)]
