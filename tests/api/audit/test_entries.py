"""Search the audit log and verify chains over GraphQL."""

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.audit import entries
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from tests.api.conftest import Execute
from tests.factories.communities import a_community
from tests.factories.grid import an_operator
from tests.factories.identity import a_viewer, an_admin
from tests.factories.market import BUY, a_market, a_trader, a_zone, an_order

ENTRIES = """query ($filter: AuditEntryFilter, $first: Int, $after: String, $last: Int, $before: String) {
  auditEntries(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { chain sequence actor act subjectType subjectId facts hash previousHash } } } }"""
VERIFY = """query ($scope: ID!) { auditVerification(scopeId: $scope) {
  entriesCount headHash isIntact firstBreach { sequence reason } } }"""


async def a_chain(session: AsyncSession, length: int = 5) -> tuple[UUID, str]:
    """A community whose chain has some entries, and its global id."""
    community = await a_community(session)
    for number in range(length):
        subject = ("Community", community.id)
        await entries.record(
            session, f"act.{number}", actor=f"user:{number % 2}", subject=subject, scope_id=community.id, facts={"n": 1}
        )
    return community.id, global_id("Community", community.id)


async def acts(execute: Execute, viewer: Viewer, **variables: Any) -> list[str]:
    answer = await execute(ENTRIES, viewer, **variables)
    assert answer.errors == []
    return [edge["node"]["act"] for edge in answer.data["auditEntries"]["edges"]]


async def test_entries_are_shown_whole(session: AsyncSession, execute: Execute) -> None:
    key, id = await a_chain(session, 2)

    answer = await execute(ENTRIES, a_viewer(administered_ids=frozenset({key})), filter={"scopeId": id})

    first, second = [edge["node"] for edge in answer.data["auditEntries"]["edges"]]
    head = await entries.head(session, str(key))
    assert head is not None
    assert second == {
        "chain": str(key),
        "sequence": 2,
        "actor": "user:1",
        "act": "act.1",
        "subjectType": "Community",
        "subjectId": id,
        "facts": json.dumps({"n": 1}, separators=(",", ":")),
        "hash": head[1].hex(),
        "previousHash": first["hash"],
    }
    assert (first["previousHash"], answer.data["auditEntries"]["totalCount"]) == ("0" * 64, 2)


async def test_entries_are_found_by_every_condition(session: AsyncSession, execute: Execute) -> None:
    _, id = await a_chain(session)
    admin = an_admin()

    async def found(**filter: Any) -> list[str]:
        return await acts(execute, admin, filter={"scopeId": id, **filter})

    assert await found(actor="user:1") == ["act.1", "act.3"]
    assert await found(act="act.3") == ["act.3"]
    assert len(await found(act="act.")) == 5
    assert len(await found(subjectId=id)) == 5
    assert await found(subjectId=global_id("Market", new_id())) == []
    assert len(await found(period={"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"})) == 5
    assert await found(period={"start": "2020-01-01T00:00:00Z", "end": "2021-01-01T00:00:00Z"}) == []


@pytest.mark.parametrize("is_whole", [True, False])
async def test_pages_join_without_gaps_both_ways(session: AsyncSession, execute: Execute, is_whole: bool) -> None:
    _, id = await a_chain(session)
    admin, filter = an_admin(), {"act": "act."} | ({} if is_whole else {"scopeId": id})

    pages = []
    ways = (("first", "after", "endCursor", "hasNextPage"), ("last", "before", "startCursor", "hasPreviousPage"))
    for size, bound, end, has_more in ways:
        cursor: str | None = None
        seen: list[str] = []
        while True:
            answer = await execute(ENTRIES, admin, filter=filter, **{size: 2, bound: cursor})
            page = answer.data["auditEntries"]
            shown = [edge["node"]["act"] for edge in page["edges"]]
            seen = [*seen, *shown] if size == "first" else [*shown, *seen]
            cursor = page["pageInfo"][end]
            if not page["pageInfo"][has_more]:
                break
        pages.append(seen)

    assert pages == [[f"act.{number}" for number in range(5)]] * 2


async def test_operators_read_the_chains_of_their_zone_and_its_market(session: AsyncSession, execute: Execute) -> None:
    zone = await a_zone(session)
    market = await a_market(session, zone)
    await an_order(session, await a_trader(session), market, BUY)
    operator = await an_operator(session, zone)

    assert await acts(execute, operator, filter={"scopeId": global_id("Market", market), "act": "order."}) == [
        "order.place"
    ]
    assert await acts(execute, operator, filter={"scopeId": global_id("MarketZone", zone)}) == []
    other = await execute(ENTRIES, operator, filter={"scopeId": global_id("Market", await a_market(session))})
    assert [error["code"] for error in other.errors] == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("variables", "argument"),
    [
        ({"filter": {"scopeId": "Order:01890000-0000-7000-8000-000000000000"}}, "scopeId"),
        ({"filter": {"scopeId": "nonsense"}}, "scopeId"),
        ({"filter": {"actor": "a\x00"}}, "actor"),
        ({"filter": {"actor": ""}}, "actor"),
        ({"filter": {"act": "x" * 201}}, "act"),
        ({"filter": {"subjectId": "x"}}, "subjectId"),
        ({"first": 101}, "first"),
        ({"last": -1}, "last"),
        ({"first": 1, "last": 1}, "first"),
        ({"first": 1, "before": "x"}, "first"),
        ({"after": "x"}, "after"),
        ({"after": "AUDIT:x:y:z"}, "after"),
        ({"after": "AUDIT:x:-1:2026-01-01T00:00:00+00:00"}, "after"),
        ({"after": "AUDIT:x:1:2026-01-01T00:00:00"}, "after"),
        ({"after": f"AUDIT:x:{2**63}:2026-01-01T00:00:00+00:00"}, "after"),
    ],
)
async def test_nonsense_is_refused(execute: Execute, variables: dict[str, Any], argument: str) -> None:
    answer = await execute(ENTRIES, an_admin(), **variables)

    assert [(error["code"], error["argument"]) for error in answer.errors] == [("BAD_USER_INPUT", argument)]


async def test_an_intact_chain_and_one_that_was_never_begun_are_verified(
    session: AsyncSession, execute: Execute
) -> None:
    key, id = await a_chain(session)
    head = await entries.head(session, str(key))
    assert head is not None

    intact = await execute(VERIFY, an_admin(), scope=id)
    empty = await execute(VERIFY, an_admin(), scope=global_id("Community", new_id()))

    assert intact.data["auditVerification"] == {
        "entriesCount": 5,
        "headHash": head[1].hex(),
        "isIntact": True,
        "firstBreach": None,
    }
    assert empty.data["auditVerification"] == {
        "entriesCount": 0,
        "headHash": None,
        "isIntact": True,
        "firstBreach": None,
    }


async def test_a_forged_chain_names_its_first_breach(session: AsyncSession, execute: Execute) -> None:
    key, id = await a_chain(session)
    # What the application itself could write past its own code: an entry whose hash is made up, and a head after it.
    forged = {"chain": str(key), "hash": b"x" * 32}
    await session.execute(
        text(
            "INSERT INTO audit_entry SELECT chain, 6, hash, :hash, at, actor, act, subject_type, subject_id, facts "
            "FROM audit_entry WHERE chain = :chain AND sequence = 5"
        ),
        forged,
    )
    await session.execute(text("UPDATE audit_head SET sequence = 6, hash = :hash WHERE chain = :chain"), forged)

    answer = await execute(VERIFY, an_admin(), scope=id)

    assert answer.data["auditVerification"]["firstBreach"] == {"sequence": 6, "reason": "the entry was altered"}
    assert answer.data["auditVerification"]["isIntact"] is False
