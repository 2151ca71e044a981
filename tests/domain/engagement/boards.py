"""Leaderboards as somebody reads them, and people who trade for them."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.engagement import leaderboards
from domain.engagement.figures import LeaderboardKind
from domain.engagement.leaderboards import Leaderboard
from domain.identity.viewers import Viewer
from tests.factories.engagement import MARCH, NOW, Someone, delivered, some_people
from tests.factories.market import a_market

KINDS = LeaderboardKind


async def board(
    session: AsyncSession, viewer: Viewer, community_id: UUID, kind: LeaderboardKind, first: int = 10, **given: Any
) -> Leaderboard:
    facts = {"month": MARCH, "now": NOW} | given
    month = facts.pop("month")
    return await leaderboards.read(await session.connection(), viewer, community_id, kind, month, first, **facts)


async def traders(session: AsyncSession, *kwh: str) -> list[Someone]:
    """People who sold that much, all delivered."""
    people, market = await some_people(session, len(kwh)), await a_market(session)
    for person, energy in zip(people, kwh, strict=True):
        await delivered(session, market, person.user_id, None, energy)
    return people
