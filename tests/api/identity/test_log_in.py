"""Guesses at passwords hit a limit, and never the owner of the account."""

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import httpx2
import pytest
import strawberry
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.applications import Starlette

from api.graphql.context import Context
from api.identity import guesses
from api.resources.authentication import Authentication
from api.resources.database import Database
from api.resources.events import Hub
from api.transport.http.app import build_graphql_app
from api.transport.terms.rates import LocalBuckets
from api.transport.terms.settings import TransportSettings
from domain.audit.tables import AuditEntry
from domain.events.tables import Notice
from domain.identity import credentials
from domain.identity.tables import Language
from tests.api.conftest import OneTransaction
from tests.factories.identity import a_user

LOG_IN = (
    """mutation M($input: LogInInput!) { logIn(input: $input) { accessToken deviceToken errors { code message } } }"""
)
PASSWORD = "correct horse battery"
ClientAt = Callable[[str], httpx2.AsyncClient]


@pytest.fixture
async def client_at(
    session: AsyncSession, schema: strawberry.Schema, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ClientAt]:
    """A client of the whole schema, as a device of its own at an address."""
    database = cast(Database, OneTransaction(session))
    hub = cast(Hub, None)
    built = build_graphql_app(
        schema,
        authenticate=Authentication(database),
        make_context=lambda connection, viewer: Context(
            database, hub, viewer, connection.headers.get("accept-language", "")
        ),
        settings=TransportSettings(),
    )
    monkeypatch.setattr(guesses.Guesses, "buckets", LocalBuckets())
    monkeypatch.setattr(credentials, "is_password", lambda stored, password: stored == password)  # In no time.
    app = Starlette(routes=built.routes, middleware=built.middleware)

    def client(address: str) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app, client=(address, 1)), base_url="http://commonwatt"
        )

    yield client
    await guesses.finish()


async def log_in(client: httpx2.AsyncClient, email: str, password: str = PASSWORD, **more: Any) -> Any:
    """What is answered, None where there were too many attempts."""
    given = {"email": email, "password": password, **more}
    answer = await client.post("/graphql", json={"query": LOG_IN, "variables": {"input": given}})
    return None if answer.status_code == 429 else answer.json()["data"]["logIn"]


async def guess(client: httpx2.AsyncClient, email: str, times: int) -> list[bool]:
    """Whether each of so many wrong passwords was still looked at."""
    return [await log_in(client, email, "wrong") is not None for _ in range(times)]


async def test_wrong_guesses_of_a_stranger_do_not_keep_the_owner_out(
    client_at: ClientAt, session: AsyncSession
) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    stranger, elsewhere = client_at("192.0.2.1"), client_at("192.0.2.2")

    looked_at = await guess(stranger, user.email, 11)

    assert looked_at == [True] * 10 + [False]
    assert (await log_in(elsewhere, user.email))["accessToken"]


async def test_a_device_that_signed_in_before_is_let_in_where_strangers_are_not(
    client_at: ClientAt, session: AsyncSession
) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    browser = client_at("192.0.2.1")
    token = (await log_in(browser, user.email))["deviceToken"]
    for number in range(2, 12):  # So many strangers that the account takes no more of any.
        await guess(client_at(f"192.0.2.{number}"), user.email, 10)
    await guess(client_at("192.0.2.1"), user.email, 10)

    assert await log_in(client_at("192.0.2.99"), user.email) is None
    assert (await log_in(browser, user.email))["accessToken"]  # By its cookie.
    assert (await log_in(client_at("192.0.2.1"), user.email.upper(), deviceToken=token))["accessToken"]


async def test_the_token_of_a_device_is_good_for_its_account_and_for_few_guesses(
    client_at: ClientAt, session: AsyncSession
) -> None:
    user, other = [await a_user(session, password_hash=PASSWORD) for _ in range(2)]
    thief = client_at("192.0.2.1")
    token = (await log_in(client_at("192.0.2.2"), user.email))["deviceToken"]

    own = [await log_in(thief, user.email, "wrong", deviceToken=token) is not None for _ in range(11)]
    of_other = [await log_in(thief, other.email, "wrong", deviceToken=token) is not None for _ in range(11)]
    made_up = [await log_in(thief, user.email, "wrong", deviceToken=f"{token}é") is not None for _ in range(11)]

    assert own == of_other == made_up == [True] * 10 + [False]


async def test_its_cookie_is_for_log_ins_alone_and_tells_nothing(client_at: ClientAt, session: AsyncSession) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    given = {"email": user.email, "password": PASSWORD}

    answer = await client_at("192.0.2.1").post("/graphql", json={"query": LOG_IN, "variables": {"input": given}})
    refused = await client_at("192.0.2.1").post(
        "/graphql", json={"query": LOG_IN, "variables": {"input": given | {"password": "wrong"}}}
    )

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("commonwatt_device_")
    assert user.email not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/graphql"} <= set(cookie.split("; "))
    assert "set-cookie" not in refused.headers


async def test_the_owner_hears_of_guesses_once(client_at: ClientAt, session: AsyncSession) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    await guess(client_at("192.0.2.1"), user.email, 9)
    await guesses.finish()
    before = list(await session.scalars(select(Notice.kind)))

    for number in range(1, 6):
        await guess(client_at(f"192.0.2.{number}"), user.email, 3)
        await guess(client_at(f"192.0.2.{number}"), "nobody@example.org", 3)
    await guesses.finish()

    told = list(await session.execute(select(Notice.user_id, Notice.kind, Notice.facts)))
    assert before == []
    assert told == [(user.id, "PASSWORD_GUESSED", {"guesses": 10, "user_id": str(user.id)})]
    acts = select(AuditEntry.subject_id).where(AuditEntry.act == "session.guessed")
    assert list(await session.scalars(acts)) == [user.id]


async def test_an_unknown_address_is_answered_as_a_wrong_password(client_at: ClientAt, session: AsyncSession) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    client = client_at("192.0.2.1")

    assert await log_in(client, user.email, "wrong") == await log_in(client, "nobody@example.org", "wrong")


async def test_who_has_not_chosen_is_told_as_their_browser_asks_at_log_in(
    client_at: ClientAt, session: AsyncSession
) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    chosen = await a_user(session, password_hash=PASSWORD, language=Language.IT, is_language_chosen=True)
    client = client_at("192.0.2.1")
    client.headers["Accept-Language"] = "de-AT,de;q=0.9,en;q=0.8"

    wrong = await log_in(client, user.email, "wrong")
    await session.refresh(user)
    before = user.language
    for account in (user, chosen):
        assert (await log_in(client, account.email))["errors"] == []
        await session.refresh(account)

    assert (wrong["accessToken"], before) == (None, Language.EN)
    assert [(account.language, account.is_language_chosen) for account in (user, chosen)] == [
        (Language.DE, False),
        (Language.IT, True),
    ]
