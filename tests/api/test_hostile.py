"""Bad input: every row of the table gets the error it says, none is a 500, and none leaves anything behind."""

import time
from collections.abc import AsyncIterator
from itertools import groupby
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from api import house
from api.processes.app import create_app
from api.resources.database import connect
from api.resources.settings import Settings
from tests.api import registers
from tests.api.authorization.world import a_world
from tests.api.hostile.rows import Row, Section
from tests.api.hostile.site import SECONDS_MAX, Site, contents_of, watch
from tests.conftest import Server

BROUGHT = dict(registers.brought("bad_input"))
CLOSES = {1008, 1009, 1011, 1013, 4400, 4403, 4408, 4409, 4429}
DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
BEGINS = "<!-- From here on the table is written by `python -m tests.api.test_hostile`. -->\n"
SECTIONS: list[Section] = sorted(
    (section for module in BROUGHT.values() for section in module.SECTIONS), key=lambda section: section.place
)
ROWS = [row for section in SECTIONS for row in section.rows]


@pytest.fixture(scope="module")
async def site(server: Server, valkey_url: str) -> AsyncIterator[Site]:
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=2)
    world = await a_world(database)
    async with database.transaction() as session:
        for module in BROUGHT.values():
            if hasattr(module, "set_scene"):
                await module.set_scene(session, world)
    owner = connect(url, role=None, pool=1)
    await watch(owner)
    await owner.close()
    given: dict[str, Any] = {"DATABASE_URL": url, "REDIS_URL": valkey_url, "rate_capacity": 10**9}
    for module in BROUGHT.values():
        given |= getattr(module, "SETTINGS", {})
    app = create_app(Settings.model_validate(given))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as client:
            contents = await contents_of(database)
            yield Site(app, client, database, world, contents)
            assert await contents_of(database) == contents
    await database.close()
    await server.drop_database(url)


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
async def test_bad_input_is_refused_and_leaves_nothing_behind(site: Site, row: Row) -> None:
    sent = row.sent(site.id_of)
    began = time.monotonic()

    answer = await site.answer(sent)

    took_s = time.monotonic() - began
    assert answer.status < 500 or answer.status in CLOSES - {1011}, answer
    assert (answer.status, answer.code) == (row.status, row.code), answer
    assert row.says in answer.message
    assert await site.changes() == {}
    assert took_s < SECONDS_MAX


async def test_what_is_left_behind_is_seen(site: Site) -> None:
    async def set_name(sql: str) -> None:
        async with site.database.transaction() as session:
            await session.execute(text(f"UPDATE market SET name = {sql}"))

    await set_name("name || '!'")
    assert list(await site.changes()) == ["market"]
    await set_name("rtrim(name, '!')")
    assert await site.changes() == {}


def as_markdown() -> str:
    """The table as `docs/bad-input.md` shows it."""
    parts: list[str] = []
    for title, sections in groupby(SECTIONS, key=lambda section: section.title):
        parts += [f"\n## {title}\n", "| What is sent | Answer | What it says |", "|---|---|---|"]
        for row in (row for section in sections for row in section.rows):
            parts.append(f"| {row.what} | {f'{row.status} {row.code}'.strip()} | {_cell(row.says)} |")
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def test_the_table_in_the_documentation_is_the_one_that_is_tested() -> None:
    written = DOCUMENT.read_text().partition(BEGINS)[2]

    assert written == as_markdown(), "write it anew: python -m tests.api.test_hostile"


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(ROWS) >= 60
    assert len({row.what for row in ROWS}) == len(ROWS)
    titles = [title for title, _ in groupby(section.title for section in SECTIONS)]
    assert len(set(titles)) == len(titles), "rows of one title follow each other"


def test_every_room_that_is_sent_something_says_what_it_refuses() -> None:
    asked = [
        name
        for name, room in zip(house.ROOMS, house.rooms(), strict=True)
        if room.mutations or room.routes or room.signed
    ]

    assert [registers.file_of(name, "bad_input") for name in asked if name not in BROUGHT] == []


if __name__ == "__main__":
    DOCUMENT.write_text(DOCUMENT.read_text().partition(BEGINS)[0] + BEGINS + as_markdown())
