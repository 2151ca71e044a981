"""Follow one's own notifications, and nobody else's; resume without gaps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, cast
from uuid import UUID

import pytest
import strawberry
from redis.asyncio import Redis

from api.engine.declarations import global_id
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources import events
from api.resources.events import Hub
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.database import new_id
from tests.api.notifications.conftest import Post

FOLLOW = "subscription ($after: String) { notifications(after: $after) { cursor notification { id title } } }"


@pytest.fixture(scope="module")
def schema() -> strawberry.Schema:
    return make_schema()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "LOOK_S", 0.02)


async def follow(post: Post, schema: strawberry.Schema, viewer: Viewer, after: str | None = None) -> AsyncIterator[Any]:
    context = Context(post.database, Hub(post.database, cast(Redis, None)), viewer)
    stream: Any = await schema.subscribe(FOLLOW, variable_values={"after": after}, context_value=context)
    async for result in stream:
        yield [(e.extensions or {})["code"] for e in result.errors] if result.errors else result.data["notifications"]


async def take(post: Post, schema: strawberry.Schema, viewer: Viewer, after: str | None, count: int) -> list[Any]:
    async with asyncio.timeout(10), aclosing(follow(post, schema, viewer, after)) as following:  # type: ignore[type-var]
        return [await anext(following) for _ in range(count)]


def ids(messages: list[UUID]) -> list[str]:
    return [global_id("Notification", id) for id in messages]


async def test_every_cursor_continues_with_the_next_notification(post: Post, schema: strawberry.Schema) -> None:
    viewer = Viewer(user_id=await post.somebody())
    assert viewer.user_id is not None
    made = [await post.message(viewer.user_id) for _ in range(3)]

    everything = await take(post, schema, viewer, "", 3)
    rest = await take(post, schema, viewer, everything[0]["cursor"], 2)

    assert [each["notification"]["id"] for each in everything] == ids(made)
    assert rest == everything[1:]


async def test_new_ones_are_told_when_they_come_and_only_to_their_user(post: Post, schema: strawberry.Schema) -> None:
    viewer, other = Viewer(user_id=await post.somebody()), await post.somebody()
    assert viewer.user_id is not None
    await post.message(viewer.user_id)
    following = asyncio.create_task(take(post, schema, viewer, None, 1))
    await asyncio.sleep(0.2)

    await post.message(other)
    mine = await post.message(viewer.user_id)

    assert [each["notification"]["id"] for each in await following] == ids([mine])


async def test_anothers_cursor_is_refused(post: Post, schema: strawberry.Schema) -> None:
    ada, bob = await post.somebody(), await post.somebody()
    await post.message(ada)
    [told] = await take(post, schema, Viewer(user_id=ada), "", 1)

    assert await take(post, schema, Viewer(user_id=bob), told["cursor"], 1) == [["BAD_USER_INPUT"]]


@pytest.mark.parametrize(
    ("viewer", "code"),
    [
        (ANONYMOUS, "UNAUTHENTICATED"),
        (Viewer(user_id=new_id(), api_key_id=new_id(), api_key_kind=ApiKeyKind.METER), "FORBIDDEN"),
    ],
)
async def test_who_may_not_read_is_refused(post: Post, schema: strawberry.Schema, viewer: Viewer, code: str) -> None:
    assert await take(post, schema, viewer, "", 1) == [[code]]
