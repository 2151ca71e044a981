"""Cards and ratings by the relay and the worker: drawn soon, rated once a day, and nothing twice."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api import house
from api.engagement import jobs
from api.jobs import registry
from api.jobs.work import carry_out
from api.resources import clock, database
from api.resources.database import Database
from domain.engagement.tables import MemberCard, MemberRating
from domain.engagement.words import RATE_MEMBERS
from domain.jobs.tables import Job, JobStatus
from tests.factories.communities import a_community, a_member, a_membership
from tests.factories.engagement import NOON, delivered
from tests.factories.identity import a_user
from tests.factories.market import a_market


@pytest.fixture
async def connected(fresh_database: str) -> AsyncIterator[Database]:
    house.load_jobs()
    made = database.connect(fresh_database, role="commonwatt_app", pool=2)
    yield made
    await made.close()


async def counts(session: AsyncSession) -> tuple[int | None, int | None]:
    """How many cards and ratings there are."""
    cards = await session.scalar(select(func.count()).select_from(MemberCard))
    return cards, await session.scalar(select(func.count()).select_from(MemberRating))


def test_the_relay_draws_cards_and_asks_for_ratings() -> None:
    house.load_jobs()

    assert {jobs.draw_cards, jobs.schedule_ratings} <= set(registry.PERIODIC)


async def test_a_day_is_rated_once_with_all_cards_that_were_missing(
    connected: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOON + timedelta(days=1))
    async with connected.transaction() as session:
        user = await a_user(session)
        await a_membership(session, await a_community(session), await a_member(session, user))
        await delivered(session, await a_market(session), user.id, None)
    for _ in range(2):
        async with connected.transaction() as session:
            await jobs.schedule_ratings(session)
    async with connected.transaction() as session:
        found = list(await session.scalars(select(Job).where(Job.kind == RATE_MEMBERS)))

    for _ in range(2):
        await carry_out(connected, found[0].id)

    async with connected.transaction() as session:
        assert [job.key for job in found] == ["rate:2026-03-11"]
        assert (await session.get_one(Job, found[0].id)).status is JobStatus.SUCCEEDED
        assert await counts(session) == (1, 2)


async def test_the_card_of_a_new_membership_is_drawn_by_the_relay(connected: Database) -> None:
    async with connected.transaction() as session:
        await a_membership(session, await a_community(session), await a_member(session, await a_user(session)))

    for _ in range(2):
        async with connected.transaction() as session:
            await jobs.draw_cards(session)

    async with connected.transaction() as session:
        assert await counts(session) == (1, 0)
        assert (await session.scalars(select(MemberCard.created_at))).one() <= datetime.now(UTC)
