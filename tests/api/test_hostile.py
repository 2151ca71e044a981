"""Bad input: every row of the table gets the error it says, none is a 500, and none leaves anything behind."""

import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from api.processes.app import create_app
from api.resources.database import connect
from api.resources.settings import Settings
from domain.identity.viewers import Viewer
from domain.market.orders import placing
from tests.api.authorization.world import a_world
from tests.api.hostile.area_files import AREAS
from tests.api.hostile.auctions import AUCTIONS
from tests.api.hostile.certificates import CERTIFICATES
from tests.api.hostile.communities import COMMUNITIES
from tests.api.hostile.engagement import ENGAGEMENT
from tests.api.hostile.frames import FRAMES
from tests.api.hostile.geometries import GEOMETRIES
from tests.api.hostile.grid import GRID
from tests.api.hostile.identity import IDENTITY
from tests.api.hostile.ledger import LEDGER, SECRET
from tests.api.hostile.market_setting import set_markets
from tests.api.hostile.markets import MARKET
from tests.api.hostile.members import MEMBERS, PLANTS
from tests.api.hostile.meter_files import FILES
from tests.api.hostile.notifications import NOTIFICATIONS
from tests.api.hostile.prices import PRICES
from tests.api.hostile.queries import QUERIES
from tests.api.hostile.readings import READINGS
from tests.api.hostile.requests import REQUESTS
from tests.api.hostile.rows import Row
from tests.api.hostile.rules import RULES
from tests.api.hostile.sharing import SHARING
from tests.api.hostile.site import SECONDS_MAX, Site, contents_of
from tests.conftest import Server
from tests.factories.market import a_proposal

CLOSES = {1008, 1009, 1011, 1013, 4400, 4403, 4408, 4409, 4429}
SECTIONS: dict[str, Sequence[Row]] = {
    "Requests": REQUESTS,
    "Queries": QUERIES,
    "Geometry": GEOMETRIES,
    "Communities": COMMUNITIES,
    "Members and metering points": MEMBERS,
    "Plants and storage": PLANTS,
    "Sharing keys, periods and jobs": SHARING,
    "Log-ins, sessions and keys": IDENTITY,
    "Markets": MARKET,
    "Auctions, charges and statements": AUCTIONS,
    "Certificates and deliveries": CERTIFICATES,
    "Zones and the audit log": GRID,
    "Payments": LEDGER,
    "Prices": PRICES,
    "Trading rules, statistics and exports": RULES,
    "Notifications and web hooks": NOTIFICATIONS,
    "Leaderboards, insights and preferences": ENGAGEMENT,
    "Sockets": FRAMES,
    "Posted readings": READINGS,
    "Meter files": FILES,
    "Files of areas": AREAS,
}
DOCUMENT = Path(__file__).parents[2] / "docs" / "bad-input.md"
BEGINS = "<!-- From here on the table is written by `python -m tests.api.test_hostile`. -->\n"
ROWS = [row for rows in SECTIONS.values() for row in rows]


@pytest.fixture(scope="module")
async def site(server: Server, valkey_url: str) -> AsyncIterator[Site]:
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=2)
    world = await a_world(database)
    async with database.transaction() as session:
        bob = Viewer(user_id=world.rows["User"]["bob"])
        proposal = a_proposal(world.rows["Market"]["north"])
        await placing.place(session, bob, "used before", proposal, now=datetime.now(UTC))
        await set_markets(session, world)
    given = {"DATABASE_URL": url, "REDIS_URL": valkey_url, "rate_capacity": 10**9, "payment_secret": SECRET}
    app = create_app(Settings.model_validate(given))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as client:
            yield Site(app, client, database, world, await contents_of(database))
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
    assert await contents_of(site.database) == site.contents
    assert took_s < SECONDS_MAX


def as_markdown() -> str:
    """The table as `docs/bad-input.md` shows it."""
    parts: list[str] = []
    for title, rows in SECTIONS.items():
        parts += [f"\n## {title}\n", "| What is sent | Answer | What it says |", "|---|---|---|"]
        parts += [f"| {row.what} | {f'{row.status} {row.code}'.strip()} | {_cell(row.says)} |" for row in rows]
    return "\n".join(parts) + "\n"


def _cell(text: str) -> str:
    return f"`{text}`".replace("|", "\\|")


def test_the_table_in_the_documentation_is_the_one_that_is_tested() -> None:
    written = DOCUMENT.read_text().partition(BEGINS)[2]

    assert written == as_markdown(), "write it anew: python -m tests.api.test_hostile"


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(ROWS) >= 60
    assert len({row.what for row in ROWS}) == len(ROWS)


if __name__ == "__main__":
    DOCUMENT.write_text(DOCUMENT.read_text().partition(BEGINS)[0] + BEGINS + as_markdown())
