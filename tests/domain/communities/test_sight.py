"""Whom a token stands for, and that it stands for nobody once it has ended."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.communities import sight
from domain.identity import keys, sessions
from domain.identity.tables import ApiKey, ApiKeyKind, Session, User
from tests.factories.identity import a_user

NOW = datetime.now(UTC)


async def token_of(session: AsyncSession, user: User, kind: str) -> str:
    if kind == "session":
        return (await sessions.open_session(session, user.id)).access_token
    ends = NOW + timedelta(days=1)
    return (await keys.create_key(session, user.id, ApiKeyKind.PARTNER, "x", frozenset({keys.READ}), ends))[1]


@pytest.mark.parametrize("kind", ["session", "key"])
async def test_a_token_stands_for_its_user(session: AsyncSession, kind: str) -> None:
    user = await a_user(session)
    connection = await session.connection()

    viewer = await sight.viewer_of(connection, await token_of(session, user, kind), now=datetime.now(UTC))

    assert viewer is not None
    assert viewer.user_id == user.id
    assert await sight.again(connection, viewer) == viewer


@pytest.mark.parametrize(
    ("kind", "table", "change"),
    [
        ("session", Session, {"revoked_at": NOW}),
        ("session", User, {"disabled_at": NOW}),
        ("key", ApiKey, {"revoked_at": NOW}),
        ("key", User, {"disabled_at": NOW}),
    ],
)
async def test_a_token_that_ended_stands_for_nobody_at_once(
    session: AsyncSession, kind: str, table: Any, change: dict[str, Any]
) -> None:
    """Also for streams that were opened before."""
    connection, user = await session.connection(), await a_user(session)
    token = await token_of(session, user, kind)
    viewer = await sight.viewer_of(connection, token, now=datetime.now(UTC))
    assert viewer is not None

    await session.execute(update(table).where(table.id == _id_of(table, viewer)).values(**change))

    assert await sight.viewer_of(connection, token, now=datetime.now(UTC)) is None
    assert await sight.again(connection, viewer) is None


def _id_of(table: Any, viewer: Any) -> Any:
    return {Session: viewer.session_id, ApiKey: viewer.api_key_id, User: viewer.user_id}[table]


async def test_the_use_of_a_key_is_noted_to_the_minute(session: AsyncSession) -> None:
    connection, user = await session.connection(), await a_user(session)
    token = await token_of(session, user, "key")
    last_used = select(ApiKey.last_used_at).where(ApiKey.owner_id == user.id)
    noted = []

    for seconds_ago in (None, 30, 61):
        if seconds_ago is not None:
            await session.execute(
                update(ApiKey).values(last_used_at=datetime.now(UTC) - timedelta(seconds=seconds_ago))
            )
        before = await session.scalar(last_used)
        await sight.viewer_of(connection, token, now=datetime.now(UTC))
        noted.append(await session.scalar(last_used) != before)

    assert noted == [True, False, True]
