"""Cards and ratings over GraphQL: one's own in full, of others by card alone, and from five on."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.resources import clock
from domain.communities.tables import Membership
from domain.engagement import preferences, ratings
from domain.identity.viewers import Viewer
from tests.api.conftest import Execute
from tests.factories.engagement import DAY, Someone, delivered, some_people
from tests.factories.market import a_market

RATING = "ratedOn level tradesCount reliability sellerReliability buyerReliability"
OWN = f"""{{ viewer {{ rating {{ {RATING} salesCount soldKwh soldKeptKwh purchasesCount boughtKwh boughtKeptKwh }}
  memberCards {{ edges {{ node {{ id label isViewer community {{ id }} rating {{ level }} }} }} }} }} }}"""
CARDS = f"""query ($id: ID!) {{ node(id: $id) {{ ... on Community {{ memberCards(first: 100) {{ totalCount edges {{
  node {{ label isViewer rating {{ {RATING} }} }} }} }} }} }} }}"""
TODAY = DAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def _the_day_after(monkeypatch: pytest.MonkeyPatch) -> None:
    at = datetime(TODAY.year, TODAY.month, TODAY.day, 8, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: at)


async def rated(session: AsyncSession, count: int, of: int | None = None) -> list[Someone]:
    """People of whom so many sold 3 kWh, 1 of which the first did not deliver."""
    people, market = await some_people(session, of or count), await a_market(session)
    for number, person in enumerate(people[:count]):
        await delivered(session, market, person.user_id, None, "3", seller_short="1" if number == 0 else "0")
    await ratings.record(session, TODAY, actor="test")
    return people


async def cards_of(execute: Execute, people: list[Someone], viewer: Viewer) -> Any:
    home = global_id("Community", people[0].membership.community_id)
    answer = await execute(CARDS, viewer, id=home)
    assert answer.errors == []
    page = answer.data["node"]["memberCards"]
    assert page["totalCount"] == len(page["edges"])
    return [edge["node"] for edge in page["edges"]]


async def test_the_own_rating_is_shown_in_full(session: AsyncSession, execute: Execute) -> None:
    [person] = await rated(session, 1)

    answer = await execute(OWN, person.viewer)

    viewer = answer.data["viewer"]
    assert viewer["rating"] == {
        "ratedOn": TODAY.isoformat(),
        "level": "NEW",
        "tradesCount": 1,
        "reliability": "0.666666",
        "sellerReliability": "0.666666",
        "buyerReliability": None,
        "salesCount": 1,
        "soldKwh": "3",
        "soldKeptKwh": "2",
        "purchasesCount": 0,
        "boughtKwh": "0",
        "boughtKeptKwh": "0",
    }
    [card] = [edge["node"] for edge in viewer["memberCards"]["edges"]]
    assert (card["isViewer"], card["rating"]) == (True, None)  # Of one nothing is told by card.
    assert card["community"]["id"] == global_id("Community", person.membership.community_id)


async def test_others_are_shown_by_card(session: AsyncSession, execute: Execute) -> None:
    people = await rated(session, 5, of=6)

    found = await cards_of(execute, people, people[5].viewer)

    assert [card["isViewer"] for card in found].count(True) == 1
    told = sorted((card["rating"] or {}).get("reliability", "none") for card in found)
    assert told == ["0.666666", "1", "1", "1", "1", "none"]


async def test_ratings_of_four_are_not_told(session: AsyncSession, execute: Execute) -> None:
    people = await rated(session, 4, of=6)

    found = await cards_of(execute, people, people[0].viewer)

    assert [card["rating"] for card in found] == [None] * 6


async def test_who_opted_out_sees_the_own_card_and_is_seen_by_nobody(session: AsyncSession, execute: Execute) -> None:
    people = await rated(session, 6)
    await preferences.set_preference(session, people[0].viewer, is_opted_out=True, now=clock.now())

    others = await cards_of(execute, people, people[1].viewer)
    own = await cards_of(execute, people, people[0].viewer)

    assert len(others) == 5
    assert "0.666666" not in {card["rating"]["reliability"] for card in others}
    assert [card["rating"] for card in own if card["isViewer"]] == [None]
    assert len(own) == 6


async def test_who_left_has_no_card_and_sees_none(session: AsyncSession, execute: Execute) -> None:
    people = await rated(session, 6)
    left = update(Membership).where(Membership.id == people[0].membership.id)
    await session.execute(left.values(valid_to=date(2026, 3, 1)))
    gone = Viewer(user_id=people[0].user_id, member_ids=people[0].viewer.member_ids)

    seen_by_others = await cards_of(execute, people, people[1].viewer)
    seen_by_gone = await cards_of(execute, people, gone)
    own = (await execute(OWN, gone)).data["viewer"]["memberCards"]["edges"]

    assert (len(seen_by_others), seen_by_gone, own) == (5, [], [])


async def test_a_gateway_learns_nothing(session: AsyncSession, execute: Execute) -> None:
    [person] = await rated(session, 1)
    gateway = Viewer(user_id=person.user_id, api_key_id=person.user_id, scopes=frozenset({"readings:write"}))

    viewer = await execute(f"{{ viewer {{ rating {{ {RATING} }} engagementPreference {{ isOptedOut }} }} }}", gateway)

    assert viewer.data["viewer"] == {"rating": None, "engagementPreference": None}
