"""Keys of applications over GraphQL: their text is shown once, and they end when their owner says so."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.resources.settings import Caps
from domain.identity import credentials
from domain.identity.tables import ApiKey
from domain.identity.viewers import ANONYMOUS
from tests.api.conftest import Execute
from tests.factories.identity import a_user, viewer_of

CREATE = """mutation M($input: CreateApiKeyInput!) { createApiKey(input: $input) {
  token apiKey { id name prefix } errors { code path } } }"""
REVOKE = "mutation M($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { apiKey { id } errors { code } } }"


def a_key(**changes: Any) -> dict[str, Any]:
    ends = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    return {"kind": "PARTNER", "name": "Reads", "scopes": ["read"], "expiresAt": ends} | changes


async def test_a_key_is_shown_once_and_kept_as_its_digest(session: AsyncSession, execute: Execute) -> None:
    owner = await viewer_of(session, await a_user(session))

    made = (await execute(CREATE, owner, input=a_key())).data["createApiKey"]

    assert made["errors"] == []
    assert made["token"].startswith(made["apiKey"]["prefix"])
    stored = (await session.scalars(select(ApiKey))).one()
    assert (global_id("ApiKey", stored.id), stored.name) == (made["apiKey"]["id"], "Reads")
    assert stored.key_hash == credentials.token_hash(made["token"])


async def test_its_owner_alone_ends_a_key(session: AsyncSession, execute: Execute) -> None:
    owner, other = [await viewer_of(session, await a_user(session)) for _ in range(2)]
    id = (await execute(CREATE, owner, input=a_key())).data["createApiKey"]["apiKey"]["id"]

    refused = await execute(REVOKE, other, input={"id": id})
    ended = await execute(REVOKE, owner, input={"id": id})

    assert [error["code"] for error in refused.refusals("revokeApiKey")] == ["NOT_FOUND"]
    assert ended.refusals("revokeApiKey") == []
    assert (await session.scalars(select(ApiKey))).one().revoked_at is not None


@pytest.mark.parametrize(
    ("field", "value"), [("scopes", ["readings:write"]), ("name", ""), ("expiresAt", "2020-01-01T00:00:00Z")]
)
async def test_what_cannot_be_is_refused_and_nothing_kept(
    session: AsyncSession, execute: Execute, field: str, value: Any
) -> None:
    owner = await viewer_of(session, await a_user(session))

    answer = await execute(CREATE, owner, input=a_key(**{field: value}))

    assert answer.refusals("createApiKey") == [{"code": "INVALID_INPUT", "path": [field]}]
    assert await session.scalar(select(func.count()).select_from(ApiKey)) == 0


async def test_nobody_makes_no_key(execute: Execute) -> None:
    answer = await execute(CREATE, ANONYMOUS, input=a_key())

    assert [error["code"] for error in answer.errors] == ["UNAUTHENTICATED"]


async def test_a_user_has_so_many_keys_that_live_and_no_more(
    session: AsyncSession, execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Caps, "keys", 2)
    owner, other = [await viewer_of(session, await a_user(session)) for _ in range(2)]
    made = [(await execute(CREATE, owner, input=a_key())).data["createApiKey"] for _ in range(3)]

    of_another = await execute(CREATE, other, input=a_key())
    await execute(REVOKE, owner, input={"id": made[0]["apiKey"]["id"]})
    again = await execute(CREATE, owner, input=a_key())

    assert [each["errors"] for each in made] == [[], [], [{"code": "TOO_MANY_API_KEYS", "path": None}]]
    assert of_another.refusals("createApiKey") == again.refusals("createApiKey") == []
    assert await session.scalar(select(func.count()).select_from(ApiKey)) == 4
