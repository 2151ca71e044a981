"""Draw cards of new memberships, and rate everybody once a day."""

from datetime import date
from random import SystemRandom

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.jobs.registry import periodic
from api.jobs.work import Work, job
from api.resources import clock
from domain.engagement import cards, ratings
from domain.engagement.words import RATE_MEMBERS
from domain.jobs import queue

TIME_LIMIT_S = 900
RANDOM = SystemRandom()


@periodic
async def draw_cards(session: AsyncSession) -> None:
    """Draw the cards of memberships that were just made."""
    await cards.draw_new(session, RANDOM, now=clock.outside())


@periodic
async def schedule_ratings(session: AsyncSession) -> None:
    """Ask for the ratings of a day of UTC once it has begun."""
    day = clock.now().date().isoformat()
    await queue.enqueue(session, RATE_MEMBERS, f"rate:{day}", {"day": day}, time_limit_s=TIME_LIMIT_S)


@job(RATE_MEMBERS)
async def rate_members(work: Work) -> None:
    """Draw what cards are missing, and rate everybody for a day."""
    day = date.fromisoformat(work.arguments["day"])
    async with work.database.transaction() as session:
        await cards.draw_missing(session, RANDOM)
    await work.report(0.5, "Rating members.")
    async with work.recording() as recording:
        await recording.session.execute(text("SET LOCAL statement_timeout = 0"))  # Reads the trades of 90 days.
        await ratings.record(recording.session, day, actor=f"job:{work.id}")
