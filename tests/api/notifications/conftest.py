"""A database of the test's own, and ways for mail and posts that lead to servers on this machine."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from api.notifications.delivering import Ways, deliver_round
from api.notifications.mail import MailDirectory
from api.resources import database
from api.resources.database import Database
from domain.events.notices import NoticeKind
from domain.ledger.words import PAYMENT
from domain.market.delivery.words import CERTIFICATE
from domain.notifications.tables import Delivery
from tests.api.notifications.receivers import ALLOWED, Mailbox, Receiver, a_mailbox, a_receiver
from tests.factories.identity import a_user
from tests.factories.notifications import NOW, a_message, a_webhook


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
