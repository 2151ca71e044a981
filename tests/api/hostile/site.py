"""The whole application over the world, in this process: send it something, and see what is stored afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import orjson
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.types import Send

from api.resources.database import Database
from domain.kernel.tables import Base
from tests.api.authorization.world import World
from tests.api.hostile.rows import Sent

SECONDS_MAX = 5.0  # Two tenths are usual; test machines are shared.
WRITES = "INSERT OR UPDATE OR DELETE OR TRUNCATE"
NOTE_TOUCHED = """CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO public.touched VALUES (TG_TABLE_NAME); RETURN NULL; END $$"""
Contents = dict[str, tuple[int, int]]


@dataclass(frozen=True)
class Answer:
    """What came back: status (or close code), the first error's code and message."""

    status: int
    code: str
    message: str


@dataclass
class Site:
    """The whole application over the world."""

    app: Starlette
    client: httpx2.AsyncClient
    database: Database
    world: World
    contents: "Contents"

    async def changes(self) -> dict[str, tuple[object, object]]:
        """What differs by now, before and after; all tables are looked at only if one was written to meanwhile."""
        async with self.database.transaction() as session:
            touched = await session.scalars(text("DELETE FROM touched RETURNING name"))
        if not touched.all():
            return {}
        now = await contents_of(self.database)
        return {name: (was, now[name]) for name, was in self.contents.items() if now[name] != was}

    def id_of(self, entity: str, name: str) -> str:
        return f"{entity}:{self.world.rows[entity][name]}"

    def headers(self, sent: Sent) -> list[tuple[bytes, bytes]]:
        token = self.world.tokens[sent.role]
        mine = {"authorization": f"Bearer {token}"} if token else {}
        return [(name.encode(), value.encode("latin-1")) for name, value in (mine | dict(sent.headers)).items()]

    async def answer(self, sent: Sent) -> Answer:
        if sent.frames is not None:
            return await self._answer_of_socket(sent)
        response = await self.client.request(sent.method, sent.path, content=sent.content, headers=self.headers(sent))
        code, message = first_error(response.content)
        return Answer(response.status_code, code, message)

    async def _answer_of_socket(self, sent: Sent) -> Answer:
        assert sent.frames is not None
        token = self.world.tokens[sent.role]
        async with socket(self.app) as (send, receive):
            await send(
                orjson.dumps({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}}).decode()
            )
            assert await receive() == {"type": "connection_ack"}
            for frame in sent.frames:
                await send(frame)
            got = await receive()
        if isinstance(got, tuple):
            return Answer(got[0], "", got[1])
        errors = got["payload"] if got["type"] == "error" else got["payload"].get("errors", [])
        code, message = first_error(orjson.dumps({"errors": errors}))
        return Answer(200, code, message)


@asynccontextmanager
async def socket(app: Starlette) -> AsyncIterator[tuple[Any, Any]]:
    """A socket to an ASGI app: send a frame, receive a message or (close code, reason)."""
    inbox: asyncio.Queue[Any] = asyncio.Queue()
    outbox: asyncio.Queue[Any] = asyncio.Queue()
    scope = {
        "type": "websocket",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "scheme": "ws",
        "query_string": b"",
        "headers": [(b"host", b"commonwatt")],
        "client": ("127.0.0.1", 1),
        "server": ("commonwatt", 80),
        "subprotocols": ["graphql-transport-ws"],
        "state": {},
    }
    serving = asyncio.create_task(app(scope, inbox.get, cast(Send, outbox.put)))
    await inbox.put({"type": "websocket.connect"})
    assert (await asyncio.wait_for(outbox.get(), 5))["type"] == "websocket.accept"

    async def send(frame: str | bytes) -> None:
        await inbox.put({"type": "websocket.receive", "text" if isinstance(frame, str) else "bytes": frame})

    async def receive() -> Any:
        message = await asyncio.wait_for(outbox.get(), SECONDS_MAX)
        if message["type"] == "websocket.close":
            return message["code"], message.get("reason") or ""
        return orjson.loads(message["text"])

    yield send, receive
    await inbox.put({"type": "websocket.disconnect", "code": 1000})
    await asyncio.wait_for(serving, 5)


def first_error(content: bytes) -> tuple[str, str]:
    """Code and message of the first error, wherever this route puts it; the message with its place."""
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return "", content.decode(errors="replace")[:300]
    data = answer.get("data") or {}
    refused = [error for field in data.values() if isinstance(field, dict) for error in field.get("errors") or ()]
    for error in answer.get("errors") or ():
        return str((error.get("extensions") or {}).get("code", "")), _with_place(error)
    for error in refused:
        return str(error["code"]), _with_place(error)
    for fault in answer.get("faults") or ():
        return "" if "feature" in fault else str(fault["code"]), _with_place(fault)  # An area's code is its name.
    return "", orjson.dumps(answer).decode()[:300]


def _with_place(error: dict[str, Any]) -> str:
    """The message, and the members that say where."""
    said = str(error.get("message") or error.get("reason"))
    extensions = error.get("extensions") or {}
    place = [str(extensions["argument"])] if extensions.get("argument") else []
    place += [".".join(error["path"])] if error.get("path") and "extensions" not in error else []
    place += [
        f"{name} {error[name]}"
        for name in ("feature", "row", "column", "index", "field")
        if error.get(name) is not None
    ]
    return f"{said} [{', '.join(place)}]" if place else said


async def watch(owner: Database) -> None:
    """Let the database note, as part of each transaction, the tables that it writes to."""
    async with owner.transaction() as session:
        await session.execute(text("CREATE TABLE touched (name text)"))
        await session.execute(text("GRANT SELECT, DELETE ON touched TO commonwatt_app"))
        await session.execute(text(NOTE_TOUCHED))
        for name in Base.metadata.tables:
            await session.execute(text(f'CREATE TRIGGER touched AFTER {WRITES} ON "{name}" EXECUTE FUNCTION touched()'))


async def contents_of(database: Database) -> Contents:
    """Of each table how many rows it has and a sum of their digests, so that a changed row shows, too.

    That a key was used is noted also when what it asked for is refused.
    """
    digest = "hashtext((to_jsonb(t) - 'last_used_at')::text)::bigint"
    parts = [
        f"SELECT '{name}' AS name, count(*), coalesce(sum({digest}), 0) FROM \"{name}\" t"
        for name in Base.metadata.tables
    ]
    async with database.reading() as connection:
        rows = await connection.execute(text(" UNION ALL ".join(parts)))
    return {name: (count, int(digest)) for name, count, digest in rows}
