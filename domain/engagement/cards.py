"""Draw cards: one label for each membership, at random among those that its community never gave.

Labels are a letter and a number. So that nobody can tell from a label who came when, it is drawn from all that are
free, and there are always at least four times as many as were ever given. A card is never given again: who returns has
a new membership and a new card, and who comes next does not get the old one.
"""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.engagement.tables import MemberCard

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # I and O are read as digits.
NUMBER_MAX = 99
ROOM = 4
JUST_NOW = timedelta(minutes=10)
COMMUNITIES_MAX = 20


def labels(count: int, given: Collection[str], random: Random) -> list[str]:
    """So many labels that differ from each other and from those that were given."""
    numbers = NUMBER_MAX
    while len(LETTERS) * numbers < ROOM * (count + len(given)):
        numbers = numbers * 10 + 9
    every = (f"House {letter}{number}" for letter in LETTERS for number in range(1, numbers + 1))
    known = set(given)
    return random.sample([label for label in every if label not in known], count)


async def draw(session: AsyncSession, community_id: UUID, random: Random) -> int:
    """Draw the cards that a community's memberships lack; gives how many. Drawn again, there are none to draw.

    The audit log tells that cards were drawn and how many, not whose.
    """
    name = func.hashtextextended(f"cards:{community_id}", 0)
    await session.execute(select(func.pg_advisory_xact_lock(name)))
    waiting = list(await session.scalars(WAITING, {"community_id": community_id}))
    if not waiting:
        return 0
    given = list(await session.scalars(select(MemberCard.label).where(MemberCard.community_id == community_id)))
    drawn = zip(waiting, labels(len(waiting), given, random), strict=True)
    rows = [
        {"id": _id(membership_id, random), "community_id": community_id, "membership_id": membership_id, "label": label}
        for membership_id, label in drawn
    ]
    await session.execute(insert(MemberCard), rows)
    await entries.record(
        session,
        "community.draw_cards",
        actor="clock",
        subject=("Community", community_id),
        scope_id=community_id,
        facts={"count": len(rows)},
    )
    return len(rows)


async def draw_new(session: AsyncSession, random: Random, *, now: datetime) -> int:
    """Draw cards of memberships that were just made; cheap where none was. `now` is the time of ids."""
    since = UUID(int=int((now - JUST_NOW).timestamp() * 1_000) << 80)  # Ids of version 7 begin with their millisecond.
    communities = list(await session.scalars(NEW, {"since": since, "communities_max": COMMUNITIES_MAX}))
    return await _draw_all(session, communities, random)


async def draw_missing(session: AsyncSession, random: Random) -> int:
    """Draw all cards that are missing anywhere."""
    return await _draw_all(session, list(await session.scalars(MISSING)), random)


async def _draw_all(session: AsyncSession, communities: Sequence[UUID], random: Random) -> int:
    return sum([await draw(session, community_id, random) for community_id in communities])


def _id(membership_id: UUID, random: Random) -> UUID:
    """An id that tells nothing of time, and differs between memberships that draw equal random numbers."""
    digest = hashlib.sha256(membership_id.bytes + random.randbytes(16)).digest()
    return UUID(bytes=digest[:16], version=4)


LACKING = """
    FROM membership JOIN member ON member.id = membership.member_id
    WHERE member.user_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM member_card WHERE member_card.membership_id = membership.id)"""
WAITING = text(f"SELECT membership.id {LACKING} AND community_id = CAST(:community_id AS uuid) ORDER BY membership.id")
NEW = text(f"""
    SELECT DISTINCT community_id {LACKING} AND membership.id > CAST(:since AS uuid)
    ORDER BY community_id LIMIT :communities_max
""")
MISSING = text(f"SELECT DISTINCT community_id {LACKING} ORDER BY community_id")
