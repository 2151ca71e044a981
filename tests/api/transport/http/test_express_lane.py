"""The express lane of the whole application: the answers of the ordinary way, and nothing for who no longer stands."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import orjson
import pytest
from sqlalchemy import update
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from api.processes.app import create_app
from api.resources.database import Database, connect
from api.resources.settings import Settings
from api.transport.http.view import GraphQLEndpoint
from domain.identity.tables import Session
from tests.api.authorization.world import World, a_world
from tests.api.transport.lane import Request, ask
from tests.conftest import Server

QUERY = """query Named($first: Int!) {
  communities(first: $first) {
    edges { cursor node { id name memberCount members(first: 2) { edges { node { id } } } } }
    pageInfo { hasNextPage }
  }
}"""


@dataclass
class Site:
    app: Starlette
    database: Database
    world: World

    def request(self, role: str, query: str = QUERY, first: int = 2, **headers: str) -> Request:
        token = self.world.tokens[role]
        authorization = {"authorization": f"Bearer {token}" if token else None}
        return Request({"query": query, "variables": {"first": first}}, {**authorization, **headers})


@dataclass
class Ordinary:
    """Requests that came the ordinary way."""

    requests: list[Any] = field(default_factory=list)


@pytest.fixture(scope="module")
async def site(server: Server, valkey_url: str) -> AsyncIterator[Site]:
    url = await server.create_database()
    database = connect(url, role="commonwatt_app", pool=2)
    world = await a_world(database)
    app = create_app(Settings.model_validate({"DATABASE_URL": url, "REDIS_URL": valkey_url}))
    async with app.router.lifespan_context(app):
        yield Site(app, database, world)
    await database.close()
    await server.drop_database(url)


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> Ordinary:
    counted, answer = Ordinary(), GraphQLEndpoint.__call__

    async def count(self: GraphQLEndpoint, scope: Scope, receive: Receive, send: Send) -> None:
        counted.requests.append(scope)
        await answer(self, scope, receive, send)

    monkeypatch.setattr(GraphQLEndpoint, "__call__", count)
    return counted


@pytest.mark.parametrize("role", ["nobody", "member", "administrator", "platform administrator", "partner that reads"])
async def test_answers_each_role_as_the_ordinary_way_does(site: Site, ordinary: Ordinary, role: str) -> None:
    await ask(site.app, site.request(role))
    before = len(ordinary.requests)

    by_lane = [await ask(site.app, site.request(role, first=first)) for first in (1, 2)]
    lane_requests = len(ordinary.requests) - before
    by_ordinary = [await ask(site.app, site.request(role, first=first, origin="https://a.example")) for first in (1, 2)]

    assert lane_requests == 0
    assert [answer.status for answer in by_lane] == [200, 200]
    assert [answer.body for answer in by_lane] == [answer.body for answer in by_ordinary]
    assert len(orjson.loads(by_lane[0].body)["data"]["communities"]["edges"]) == 1
    assert orjson.loads(by_lane[1].body)["extensions"] == {"cost": 6}


async def test_a_query_that_is_compiled_in_part_takes_the_ordinary_way(site: Site, ordinary: Ordinary) -> None:
    mixed = "query Mixed($first: Int!) { rateLimit { remaining } communities(first: $first) { edges { cursor } } }"
    remaining = []
    for _ in range(3):
        answer = await ask(site.app, site.request("other member", mixed))
        remaining.append(orjson.loads(answer.body)["data"]["rateLimit"]["remaining"])

    assert len(ordinary.requests) == 3
    assert [earlier - later for earlier, later in pairwise(remaining)] == [2, 2]


async def test_a_session_that_was_revoked_a_statement_ago_is_refused(site: Site, ordinary: Ordinary) -> None:
    request = site.request("neighbour")
    answers = [await ask(site.app, request) for _ in range(2)]
    async with site.database.transaction() as session:
        user_id = site.world.rows["User"]["eve"]
        await session.execute(update(Session).where(Session.user_id == user_id).values(revoked_at=datetime.now(UTC)))

    answers += [await ask(site.app, request) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200, 401, 401]
    assert len(ordinary.requests) <= 3
