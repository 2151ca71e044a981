"""Insights over GraphQL: figures and codes, beside each community of the viewer."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.resources import clock
from domain.identity.viewers import Viewer
from domain.market.places.tables import EnergySource
from tests.api.conftest import Execute
from tests.factories.engagement import NOW, delivered, some_people, withdrew
from tests.factories.market import a_market

INSIGHTS = """
query ($month: Date!) { viewer { insights(month: $month) { community { id } period { start end }
  emissions { factorKgPerKwh } insights { measure unit code own mean othersCount } } } }
"""


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


async def test_figures_stand_beside_the_mean_of_the_others(session: AsyncSession, execute: Execute) -> None:
    people, market = await some_people(session, 6), await a_market(session)
    for person in people:
        await delivered(session, market, None, person.user_id, "2", source=EnergySource.SOLAR)
    await withdrew(session, people[0], "9.6")

    answer = await execute(INSIGHTS, people[0].viewer, month="2026-03-01")

    [found] = answer.data["viewer"]["insights"]
    assert answer.errors == []
    assert found["community"] == {"id": global_id("Community", people[0].membership.community_id)}
    assert found["period"] == {"start": "2026-02-28T23:00:00Z", "end": "2026-03-31T22:00:00Z"}
    assert found["emissions"] == {"factorKgPerKwh": "0.2682"}
    assert [tuple(each.values()) for each in found["insights"]] == [
        ("SELF_SUFFICIENCY", "SHARE", "TOO_FEW_MEMBERS", "0.208333", None, None),
        ("RENEWABLE_SHARE", "SHARE", "AT_MEAN", "1", "1", 5),
        ("AVOIDED_CARBON", "KG", "AT_MEAN", "0.5364", "0.5364", 5),
        ("SAVINGS", "EUR", "NOTHING_TO_COMPARE", None, None, None),
    ]


async def test_who_is_in_no_community_gets_no_means(session: AsyncSession, execute: Execute) -> None:
    [person] = await some_people(session, 1)

    answer = await execute(INSIGHTS, Viewer(user_id=person.user_id), month="2026-03-01")

    [found] = answer.data["viewer"]["insights"]
    assert (found["community"], {each["mean"] for each in found["insights"]}) == (None, {None})


async def test_a_gateway_is_told_nothing(session: AsyncSession, execute: Execute) -> None:
    [person] = await some_people(session, 1)
    gateway = Viewer(user_id=person.user_id, api_key_id=person.user_id, scopes=frozenset({"readings:write"}))

    answer = await execute(INSIGHTS, gateway, month="2026-03-01")

    assert answer.data["viewer"]["insights"] == []


@pytest.mark.parametrize("month", ["2026-03-31", "2026-05-01", "2001-01-01"])
async def test_odd_months_are_bad_input(session: AsyncSession, execute: Execute, month: str) -> None:
    [person] = await some_people(session, 1)

    answer = await execute(INSIGHTS, person.viewer, month=month)

    [error] = answer.errors
    assert (error["code"], error["argument"]) == ("BAD_USER_INPUT", "month")
