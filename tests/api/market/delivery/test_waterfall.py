"""The waterfall by the API: a job settles the trades, then another allocates what they leave of a period."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select

from api.engine.declarations import global_id
from api.graphql.context import Context
from api.house import load_jobs
from api.jobs.work import carry_out
from api.market.delivery import jobs
from domain.communities.tables import CommunityRole, Membership
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.intervals import day_start
from domain.sharing import keys
from domain.sharing.tables import KeyKind
from tests.api.market.conftest import Live
from tests.factories.communities import a_community
from tests.factories.deliveries import DAY, Party, a_party, a_trade, injected, withdrew
from tests.factories.market import a_market

ZONE = ZoneInfo("Europe/Luxembourg")
START, END = (day_start(day, ZONE).isoformat() for day in (DAY, DAY.replace(day=DAY.day + 1)))
ALLOCATE = """
mutation Allocate($input: AllocatePeriodInput!) { allocatePeriod(input: $input) { job { id } errors { code } } }
"""
OUTCOME = """
query Outcome($id: ID!, $member: ID!, $period: PeriodInput) { node(id: $id) { ... on Job { status
  error { __typename message ... on JobFailed { reason } }
  result { ... on AllocationRun { injectedKwh tradedOutKwh withdrawnKwh tradedInKwh sharedKwh
    members(first: 9) { edges { node { ...Totals } } }
    series(memberId: $member, period: $period) { injectedKwh tradedOutKwh sharedOutKwh withdrawnKwh tradedInKwh } } }
} } }
fragment Totals on MemberAllocation {
  withdrawnKwh tradedInKwh sharedInKwh fromSupplierKwh injectedKwh tradedOutKwh sharedOutKwh toGridKwh }
"""


async def ask(live: Live, viewer: Viewer, document: str, **variables: Any) -> Any:
    context = Context(live.database, live.hub, viewer)
    answer = await live.schema.execute(document, variable_values=variables, context_value=context)
    assert answer.errors is None
    return answer.data


async def work_off(live: Live) -> None:
    """Carry out every job that waits, as workers would."""
    load_jobs()
    async with live.database.transaction() as session:
        waiting = list(await session.scalars(select(Job.id).where(Job.status == JobStatus.QUEUED)))
    for job_id in waiting:
        await carry_out(live.database, job_id)


async def the_village(live: Live) -> tuple[UUID, Party, Party]:
    """A producer, who administers the community, and a consumer; 0.6 of 1 kWh are traded between them."""
    async with live.database.transaction() as session:
        community = await a_community(session)
        producer, consumer = await a_party(session, community), await a_party(session, community)
        for party, injects, withdraws in ((producer, "1", "0"), (consumer, "0", "1.3")):
            await injected(session, party, injects)
            await withdrew(session, party, withdraws)
        since = day_start(DAY.replace(month=1), ZONE)
        await keys.set_key(session, community.id, KeyKind.PRO_RATA, KeyKind.PRO_RATA, since, (), actor="test")
        await a_trade(session, await a_market(session), producer, consumer, "0.6")
        for membership in await session.scalars(select(Membership).where(Membership.community_id == community.id)):
            membership.roles = [CommunityRole.ADMIN.value]
    return community.id, producer, consumer


async def test_trades_are_settled_first_and_the_rest_is_shared(live: Live) -> None:
    community_id, producer, _ = await the_village(live)
    viewer, _ = await live.signed_in(producer.user_id)
    wanted = {"communityId": global_id("Community", community_id), "period": {"start": START, "end": END}}

    async def allocated() -> Any:
        made = await ask(live, viewer, ALLOCATE, input=wanted)
        await work_off(live)
        async with live.database.transaction() as session:
            query = select(Membership.member_id).order_by(Membership.id)
            member_id = (await session.scalars(query)).first()
        assert member_id is not None
        given = {"id": made["allocatePeriod"]["job"]["id"], "member": global_id("Member", member_id)}
        noon = {"start": "2026-11-10T12:00:00+01:00", "end": "2026-11-10T12:15:00+01:00"}
        return (await ask(live, viewer, OUTCOME, **given, period=noon))["node"]

    early = await allocated()
    async with live.database.transaction() as session:
        await jobs.schedule_settlement(session)
    await work_off(live)
    done = await allocated()

    told = "Trades of this period that are not delivered yet: 1. What they take is not known."
    assert early["status"] == "FAILED"
    assert early["error"] == {"__typename": "JobFailed", "message": told, "reason": "DeliveriesWaiting"}
    run = done["result"]
    of_producer, of_consumer = (each["node"] for each in run["members"]["edges"])
    assert [run[name] for name in ("injectedKwh", "tradedOutKwh", "withdrawnKwh", "tradedInKwh", "sharedKwh")] == [
        *("1", "0.6"),
        *("1.3", "0.6"),
        "0.4",
    ]
    assert {name: of_producer[name] for name in ("injectedKwh", "tradedOutKwh", "sharedOutKwh", "toGridKwh")} == {
        "injectedKwh": "1",
        "tradedOutKwh": "0.6",
        "sharedOutKwh": "0.4",
        "toGridKwh": "0",
    }
    assert {name: of_consumer[name] for name in ("withdrawnKwh", "tradedInKwh", "sharedInKwh", "fromSupplierKwh")} == {
        "withdrawnKwh": "1.3",
        "tradedInKwh": "0.6",
        "sharedInKwh": "0.4",
        "fromSupplierKwh": "0.3",
    }
    assert run["series"] == {
        "injectedKwh": [1.0],
        "tradedOutKwh": [0.6],
        "sharedOutKwh": [0.4],
        "withdrawnKwh": [0.0],
        "tradedInKwh": [0.0],
    }
