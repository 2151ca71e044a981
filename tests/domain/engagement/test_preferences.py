"""Opting out: said, recorded, and taken back."""

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.engagement import preferences
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.kernel.errors import NotAllowed
from tests.factories.engagement import NOW
from tests.factories.identity import a_user


async def test_who_said_nothing_takes_part_and_what_is_said_last_holds(session: AsyncSession) -> None:
    user_id = (await a_user(session)).id
    viewer, connection = Viewer(user_id=user_id), await session.connection()

    said = [await preferences.is_opted_out(connection, user_id)]
    for is_opted_out in (True, True, False):
        await preferences.set_preference(session, viewer, is_opted_out=is_opted_out, now=NOW)
        said.append(await preferences.is_opted_out(connection, user_id))

    entries = await session.scalars(
        select(AuditEntry.facts).where(AuditEntry.act == "engagement.prefer").order_by(AuditEntry.sequence)
    )
    assert said == [False, True, True, False]
    assert [facts["is_opted_out"] for facts in entries] == [True, True, False]


async def test_applications_and_strangers_say_nothing(session: AsyncSession) -> None:
    user_id = (await a_user(session)).id

    for viewer in (ANONYMOUS, Viewer(user_id=user_id, api_key_id=user_id, scopes=frozenset({"read"}))):
        with pytest.raises(NotAllowed):
            await preferences.set_preference(session, viewer, is_opted_out=True, now=NOW)

    assert not await preferences.is_opted_out(await session.connection(), user_id)
    assert await session.scalar(select(AuditEntry.sequence).where(AuditEntry.act == "engagement.prefer")) is None
