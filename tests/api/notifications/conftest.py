"""A database of the test's own, and ways for mail and posts that lead to servers on this machine, which keep them."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import select

from api.notifications.delivering import Ways, deliver_round
from api.notifications.mail import MailDirectory
from api.resources import database
from api.resources.database import Database
from domain.events.notices import NoticeKind
from domain.ledger.words import PAYMENT
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import signatures
from domain.notifications.addresses import Address, Target
from domain.notifications.tables import Delivery
from tests.factories.identity import a_user
from tests.factories.notifications import NOW, a_message, a_webhook

LOOPBACK = "127.0.0.1"
ALLOWED = (ip_network("127.0.0.0/8"),)


@dataclass(frozen=True)
class Posted:
    """A request that arrived."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)

    def verify(self, secret: bytes, now: datetime) -> None:
        """Raises ForgedSignature."""
        id, timestamp, signature = (self.headers[f"webhook-{name}"] for name in ("id", "timestamp", "signature"))
        signatures.verify(secret, id, timestamp, signature, self.body, now=now)


@dataclass
class Receiver:
    """An HTTP server that answers with what it is told, 204 unless told otherwise; None is no answer at all."""

    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    answers: list[str | None] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://hooks.example.org:{self.port}/commonwatt?a=b"

    async def resolve(self, target: Target | None = None) -> list[Address]:
        """Whatever the name, it is here."""
        return [ip_address(LOOPBACK)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {
                    name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.posted.append(Posted(head[0], headers, body))
                answer = self.answers.pop(0) if self.answers else "204 No Content\r\n"
                if answer is None:
                    await asyncio.sleep(3600)
                writer.write(f"HTTP/1.1 {answer}\r\n".encode())
                await writer.drain()


@asynccontextmanager
async def a_receiver(ssl: Any = None) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await receiver.serve(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, LOOPBACK, 0, ssl=ssl)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Mailbox:
    """A mail server that takes mail with 250 unless it is told otherwise."""

    port: int = 0
    taken: list[Envelope] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.taken.append(envelope)
        return "250 OK"


@asynccontextmanager
async def a_mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    made: Callable[[], SMTP] = lambda: SMTP(mailbox, enable_SMTPUTF8=True, hostname="mail.example.org")  # noqa: E731
    server = await asyncio.get_running_loop().create_server(made, LOOPBACK, 0)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()


@dataclass
class Post:
    """A database, a way for all that leaves it, and a clock that stands until it is moved."""

    database: Database
    ways: Ways
    now: datetime = NOW

    def using(self, **changes: Any) -> "Post":
        """The same with other ways."""
        self.ways = replace(self.ways, **changes)
        return self

    async def deliver(self) -> None:
        """Rounds until nothing is due."""
        while await deliver_round(self.database, self.ways):
            pass

    async def wait(self, time: timedelta) -> None:
        """Let time pass, and deliver."""
        self.now += time
        await self.deliver()

    async def somebody(self, **facts: Any) -> UUID:
        async with self.database.transaction() as session:
            return (await a_user(session, **facts)).id

    async def message(self, user_id: UUID, kind: NoticeKind = PAYMENT, **facts: Any) -> UUID:
        async with self.database.transaction() as session:
            return (await a_message(session, user_id, kind, self.now, **facts)).id

    async def webhook(self, user_id: UUID, receiver: Receiver, **given: Any) -> tuple[UUID, bytes]:
        """A web hook that leads to a receiver, for certificates, which are not mailed."""
        facts: dict[str, Any] = {"url": receiver.url, "kinds": [CERTIFICATE]} | given
        found: dict[str, Any] = {"found": await receiver.resolve(), "allowed": ALLOWED}
        async with self.database.transaction() as session:
            return await a_webhook(session, user_id, now=self.now, **found, **facts)

    async def deliveries(self) -> list[Delivery]:
        async with self.database.sessions() as session:
            return list(await session.scalars(select(Delivery).order_by(Delivery.id)))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with a_receiver() as receiver:
        yield receiver


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with a_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
async def post(fresh_database: str, receiver: Receiver, tmp_path: Path) -> AsyncIterator[Post]:
    connected = database.connect(fresh_database, role="commonwatt_app", pool=10)
    ways = Ways(MailDirectory(tmp_path / "mail"), "Commonwatt <no-reply@example.org>", ALLOWED, receiver.resolve)
    made = Post(connected, ways)
    made.using(clock=lambda: made.now)
    yield made
    await connected.close()
