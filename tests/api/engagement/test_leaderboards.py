"""Leaderboards over GraphQL: who is told what, with units and reasons."""

from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.resources import clock
from domain.identity.viewers import ANONYMOUS
from domain.market.places.tables import EnergySource
from tests.api.conftest import Execute
from tests.factories.engagement import NOW, Someone, delivered, some_people
from tests.factories.market import a_market

BOARD = """
query ($id: ID!, $kind: LeaderboardKind!, $month: Date = "2026-03-01", $first: Int = 10) { node(id: $id) {
  ... on Community { leaderboard(kind: $kind, month: $month, first: $first) {
    kind unit period { start end } rankedCount entries { rank label value isViewer } own { rank value }
    emissions { factorKgPerKwh country year method isExample } emptyBecause } } } }
"""
OPT_OUT = """
mutation ($input: SetEngagementPreferenceInput!) { setEngagementPreference(input: $input) {
  preference { isOptedOut } errors { code } } }
"""
MARCH = {"start": "2026-02-28T23:00:00Z", "end": "2026-03-31T22:00:00Z"}


@pytest.fixture(autouse=True)
def _in_april(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


async def buyers(session: AsyncSession, *kwh: str) -> list[Someone]:
    people, market = await some_people(session, len(kwh)), await a_market(session)
    for person, energy in zip(people, kwh, strict=True):
        await delivered(session, market, None, person.user_id, energy, source=EnergySource.WIND)
    return people


def home(people: list[Someone]) -> str:
    return global_id("Community", people[0].membership.community_id)


async def board(execute: Execute, people: list[Someone], kind: str, viewer: int = 0) -> Any:
    answer = await execute(BOARD, people[viewer].viewer, id=home(people), kind=kind)
    assert answer.errors == []
    return answer.data["node"]["leaderboard"]


async def test_members_see_labels_ranks_and_values(session: AsyncSession, execute: Execute) -> None:
    people = await buyers(session, "2", "2", "1", "0.5", "0.25")

    found = await board(execute, people, "TRADED_ENERGY", viewer=4)

    entries = found.pop("entries")
    assert found == {
        "kind": "TRADED_ENERGY",
        "unit": "KWH",
        "period": MARCH,
        "rankedCount": 5,
        "own": {"rank": 5, "value": "0.25"},
        "emissions": None,
        "emptyBecause": None,
    }
    assert [(entry["rank"], entry["value"], entry["isViewer"]) for entry in entries] == [
        (1, "2", False),
        (1, "2", False),
        (3, "1", False),
        (4, "0.5", False),
        (5, "0.25", True),
    ]
    assert all(entry["label"].startswith("House ") for entry in entries)


async def test_carbon_names_its_factor_and_method(session: AsyncSession, execute: Execute) -> None:
    people = await buyers(session, "5", "4", "3", "2", "1")

    found = await board(execute, people, "AVOIDED_CARBON")

    assert (found["unit"], found["own"]) == ("KG", {"rank": 1, "value": "1.341"})
    assert found["emissions"] == {
        "factorKgPerKwh": "0.2682",
        "country": "LU",
        "year": 2014,
        "method": "LOCATION_BASED",
        "isExample": True,
    }


@pytest.mark.parametrize(
    ("kind", "unit", "value"),
    [
        ("RENEWABLE_SHARE", "SHARE", "1"),
        ("RELIABILITY", "SHARE", "1"),
        ("PARTICIPATION", "DAYS", "1"),
    ],
)
async def test_each_kind_has_its_unit(
    session: AsyncSession, execute: Execute, kind: str, unit: str, value: str
) -> None:
    people = await buyers(session, "5", "4", "3", "2", "1")

    found = await board(execute, people, kind)

    assert (found["unit"], {entry["value"] for entry in found["entries"]}) == (unit, {value})
    assert {entry["rank"] for entry in found["entries"]} == {1}


async def test_too_few_is_empty_with_a_reason(session: AsyncSession, execute: Execute) -> None:
    people = await buyers(session, "5", "4", "3", "2")

    found = await board(execute, people, "TRADED_ENERGY")

    assert (found["entries"], found["own"], found["rankedCount"]) == ([], None, None)
    assert found["emptyBecause"] == "TOO_FEW"


async def test_opting_out_holds_for_the_next_query(session: AsyncSession, execute: Execute) -> None:
    people = await buyers(session, "6", "5", "4", "3", "2", "1")

    answer = await execute(OPT_OUT, people[0].viewer, input={"optOut": True})
    without = await board(execute, people, "TRADED_ENERGY", viewer=1)
    shown = await execute("{ viewer { engagementPreference { isOptedOut } } }", people[0].viewer)
    await execute(OPT_OUT, people[0].viewer, input={"optOut": False})
    again = await board(execute, people, "TRADED_ENERGY", viewer=1)

    assert answer.data["setEngagementPreference"] == {"preference": {"isOptedOut": True}, "errors": []}
    assert shown.data["viewer"]["engagementPreference"] == {"isOptedOut": True}
    assert (without["rankedCount"], without["own"]["rank"]) == (5, 1)
    assert (again["rankedCount"], again["own"]["rank"]) == (6, 2)


async def test_outsiders_are_told_why_it_is_empty(session: AsyncSession, execute: Execute) -> None:
    people = await buyers(session, "5", "4", "3", "2", "1")
    [stranger] = await some_people(session, 1)

    for viewer in (ANONYMOUS, stranger.viewer):
        answer = await execute(BOARD, viewer, id=home(people), kind="RELIABILITY")

        board = answer.data["node"]["leaderboard"]
        assert (answer.errors, board["emptyBecause"], board["rankedCount"]) == ([], "MEMBERS_ONLY", None)
        assert (board["entries"], board["own"]) == ([], None)


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ({"month": "2026-03-15"}, "month"),
        ({"month": "2026-05-01"}, "month"),
        ({"month": "9998-12-01"}, "month"),
        ({"first": 0}, "first"),
        ({"first": 101}, "first"),
    ],
)
async def test_odd_arguments_are_bad_input(
    session: AsyncSession, execute: Execute, given: dict[str, Any], argument: str
) -> None:
    people = await some_people(session, 1)

    answer = await execute(BOARD, people[0].viewer, id=home(people), kind="RELIABILITY", **given)

    [error] = answer.errors
    assert (error["code"], error["argument"]) == ("BAD_USER_INPUT", argument)


async def test_an_operation_reads_so_many_boards_at_most(session: AsyncSession, execute: Execute) -> None:
    people = await some_people(session, 1)
    fields = " ".join(
        f'b{number}: leaderboard(kind: RELIABILITY, month: "2026-03-01") {{ rankedCount }}' for number in range(21)
    )

    answer = await execute(f'{{ node(id: "{home(people)}") {{ ... on Community {{ {fields} }} }} }}', people[0].viewer)

    assert {error["code"] for error in answer.errors} == {"QUERY_TOO_COMPLEX"}
