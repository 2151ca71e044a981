"""While nothing can be written reads are answered, all else is refused as unavailable, and it ends by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx2
import pytest

from api.processes.app import create_app
from api.resources import database, writable
from api.resources.settings import Settings
from api.transport.terms.writing import READ_ONLY
from domain.identity import keys, sessions
from domain.identity.tables import ApiKeyKind
from tests.factories.identity import a_user

ME = {"query": "{ viewer { user { id } } }"}
RENAME = {"query": "mutation { logOut(input: {}) { errors { code } } }"}
LOG_IN = {"query": 'mutation { logIn(input: {email: "a@b.example", password: "x"}) { errors { code } } }'}
POSTS = ("/v1/readings", "/v1/imports/readings", "/v1/imports/areas", "/v1/imports/operator-figures")
ALTER = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I {}', current_database()); END $$"
END_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@dataclass
class Site:
    """An application on a database of its own, asked with the token of a session or by key."""

    url: str
    http: httpx2.AsyncClient
    tokens: dict[str, str]

    async def ask(self, body: dict[str, Any], by: str | None = None) -> dict[str, Any]:
        headers = {"authorization": f"Bearer {self.tokens[by]}"} if by else {}
        answer: dict[str, Any] = (await self.http.post("/graphql", json=body, headers=headers)).json()
        return answer

    async def set(self, sql: str) -> None:
        """As the owner of the database."""
        owner = await asyncpg.connect(self.url.replace("+asyncpg", ""))
        await owner.execute("SET default_transaction_read_only = off")
        await owner.execute(sql)
        await owner.close()

    async def becomes(self, mode: str) -> None:
        async with asyncio.timeout(5):
            while (await self.ready())["mode"] != mode:
                await asyncio.sleep(0.05)

    async def ready(self) -> dict[str, Any]:
        answer = await self.http.get("/readyz")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found


@asynccontextmanager
async def serving(url: str, redis_url: str, tokens: dict[str, str], **more: Any) -> AsyncIterator[Site]:
    app = create_app(Settings.model_validate({"DATABASE_URL": url, "REDIS_URL": redis_url, **more}))
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://commonwatt") as http:
            yield Site(url, http, tokens)


@pytest.fixture
async def tokens(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of one user: a session and a key."""
    monkeypatch.setattr(writable, "LOOK_S", 0.05)
    connected = database.connect(fresh_database, role="commonwatt_app", pool=1)
    async with connected.transaction() as session:
        user = await a_user(session)
        opened = await sessions.open_session(session, user.id)
        ends = datetime.now(UTC) + timedelta(days=1)
        _, key = await keys.create_key(session, user.id, ApiKeyKind.PARTNER, "reads", frozenset({"read"}), ends)
    await connected.close()
    return {"session": opened.access_token, "key": key}


async def reads_only(site: Site) -> None:
    """Whoever reads is answered, by whatever token; whoever would change something is told what is."""
    for by in ("session", "key", "key"):
        assert (await site.ask(ME, by))["data"]["viewer"]["user"]["id"], by
    for body, who in ((RENAME, "session"), (LOG_IN, None)):
        (error,) = (await site.ask(body, who))["errors"]
        assert (error["extensions"]["code"], error["message"]) == ("UNAVAILABLE", READ_ONLY)
    for path in POSTS:
        answer = await site.http.post(path, headers={"authorization": f"Bearer {site.tokens['session']}"})
        (error,) = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"], error["message"]) == (503, "UNAVAILABLE", READ_ONLY)


async def test_a_database_that_takes_no_writes_is_read_and_noticed_both_ways(
    fresh_database: str, redis_url: str, tokens: dict[str, str]
) -> None:
    """The kind that only new connections notice, also in the moment before it is."""
    async with serving(fresh_database, redis_url, tokens) as site:
        assert (await site.ready())["mode"] == "read-write"
        assert "errors" not in await site.ask(LOG_IN)

        await site.set(ALTER.format("SET default_transaction_read_only = on"))
        await site.set(END_OTHERS)
        await site.becomes("read-only")
        await reads_only(site)

        await site.set(ALTER.format("RESET default_transaction_read_only"))
        await site.becomes("read-write")
        assert "errors" not in await site.ask(LOG_IN)
        assert (await site.ask(RENAME, "session"))["data"]["logOut"]["errors"] == []


async def test_before_it_is_noticed_the_same_is_said(
    fresh_database: str, redis_url: str, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writable, "LOOK_S", 3_600)
    async with serving(fresh_database, redis_url, tokens) as site:
        await site.set(ALTER.format("SET default_transaction_read_only = on"))
        await site.set(END_OTHERS)

        assert (await site.ask(ME, "key"))["data"]["viewer"]["user"]["id"]
        (error,) = (await site.ask(RENAME, "session"))["errors"]

        assert (await site.ready())["mode"] == "read-write"
        assert (error["extensions"]["code"], error["message"]) == ("UNAVAILABLE", READ_ONLY)


@pytest.mark.parametrize("pooled", [False, True])
async def test_an_operator_may_have_it_read_only(
    fresh_database: str, redis_url: str, tokens: dict[str, str], pooled: bool
) -> None:
    async with serving(fresh_database, redis_url, tokens, read_only=True, database_pooled=pooled) as site:
        assert (await site.ready())["mode"] == "read-only"
        await reads_only(site)
        platform = (await site.http.get("/healthz/platform")).json()

    assert platform["mode"] == "read-only"
    assert "the database is read-only" in platform["problems"]


async def test_a_key_is_let_in_also_where_its_use_cannot_be_noted(
    fresh_database: str, redis_url: str, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the moment before a process knows that nothing can be written, or on a disk that is full."""
    async with serving(fresh_database, redis_url, tokens) as site:
        await site.set("ALTER TABLE api_key ADD CONSTRAINT full_disk CHECK (last_used_at IS NULL) NOT VALID")

        assert (await site.ask(ME, "key"))["data"]["viewer"]["user"]["id"]
