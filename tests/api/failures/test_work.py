"""Administrators of the platform see what failed and have it done again, over GraphQL and on the command line."""

import argparse
import sys
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.processes import cli
from api.resources import database
from domain.audit.tables import AuditEntry
from domain.grid.words import MEASURE_GRID
from domain.identity.viewers import ANONYMOUS
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.kernel.database import new_id
from tests.api.conftest import Execute
from tests.factories.identity import a_viewer, an_admin

COMMUNITY = new_id()
LISTS = ("failedJobs", "failedMessages", "failedDeliveries", "disabledWebhooks", "outbox")
FAILED = """query ($filter: FailedWorkFilter, $after: String) { platform {
  failedJobs(filter: $filter, first: 1, after: $after) {
  totalCount pageInfo { hasNextPage endCursor } edges { node { id kind reason communityId attempts } } } } }"""
RETRY = """mutation ($input: RetryWorkInput!) { retryWork(input: $input) {
  retriedIds notRetried { workId reason } errors { code path } } }"""


async def a_failed_job(session: AsyncSession, key: str) -> UUID:
    job_id = await queue.enqueue(session, MEASURE_GRID, key, {}, community_id=COMMUNITY)
    await queue.start(session, job_id)
    await queue.fail(session, job_id, "NoCapacity", "Ada Rossi has none.")
    return job_id


async def test_administrators_list_what_failed_page_by_page(session: AsyncSession, execute: Execute) -> None:
    for key in ("1", "2"):
        await a_failed_job(session, key)
    filter = {"communityId": f"Community:{COMMUNITY}", "reason": "NoCapacity", "kind": "MEASURE_GRID"}

    first = (await execute(FAILED, an_admin(), filter=filter)).data["platform"]["failedJobs"]
    after = first["pageInfo"]["endCursor"]
    second = (await execute(FAILED, an_admin(), filter=filter, after=after)).data["platform"]["failedJobs"]
    none = (await execute(FAILED, an_admin(), filter=filter | {"since": "2100-01-01T00:00:00Z"})).data["platform"]

    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (2, True)
    assert second["pageInfo"]["hasNextPage"] is False
    assert first["edges"][0]["node"]["id"] != second["edges"][0]["node"]["id"]
    told = {"kind": "MEASURE_GRID", "reason": "NoCapacity", "communityId": f"Community:{COMMUNITY}", "attempts": 1}
    assert told.items() <= first["edges"][0]["node"].items()
    assert none["failedJobs"]["edges"] == []


async def test_every_list_can_be_read(execute: Execute) -> None:
    lists = " ".join(f"{name} {{ totalCount edges {{ node {{ id at }} }} }}" for name in LISTS)

    answer = await execute(f"{{ platform {{ {lists} }} }}", an_admin())

    assert set(answer.data["platform"]) == set(LISTS)


async def test_nobody_else_sees_the_platform_or_repeats_its_work(session: AsyncSession, execute: Execute) -> None:
    job_id = await a_failed_job(session, "theirs")
    given = {"ids": [f"Job:{job_id}"], "reason": "x"}

    for viewer in (ANONYMOUS, a_viewer(), a_viewer(administered_ids=frozenset({COMMUNITY}))):
        assert (await execute(FAILED, viewer)).data == {"platform": None}
        answer = await execute(RETRY, viewer, input=given)
        assert {error["code"] for error in answer.errors} <= {"UNAUTHENTICATED", "FORBIDDEN"}

    assert await session.scalar(select(Job.status).where(Job.id == job_id)) is JobStatus.FAILED


async def test_work_is_repeated_once_and_that_is_recorded(session: AsyncSession, execute: Execute) -> None:
    id, admin = f"Job:{await a_failed_job(session, 'again')}", an_admin()
    given = {"ids": [id], "reason": "The disk was full."}

    first = (await execute(RETRY, admin, input=given)).data["retryWork"]
    second = (await execute(RETRY, admin, input=given)).data["retryWork"]

    assert first == {"retriedIds": [id], "notRetried": [], "errors": []}
    assert second == {"retriedIds": [], "notRetried": [{"workId": id, "reason": "NOT_FAILED"}], "errors": []}
    entries = await session.execute(select(AuditEntry.act, AuditEntry.actor).where(AuditEntry.chain == str(COMMUNITY)))
    assert entries.all() == [("job.retry", admin.key)]


async def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["commonwatt", *arguments])
    parsed: argparse.Namespace = cli._parser().parse_args()
    return await cli._run(parsed.act, parsed)


async def test_the_command_line_lists_shows_and_repeats(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    connected = database.connect(fresh_database, role="commonwatt_app", pool=1)
    async with connected.transaction() as session:
        ids = [str(await a_failed_job(session, key)) for key in "123"]

    async def told(*arguments: str, status: int = 0) -> str:
        assert await run(monkeypatch, *arguments) == status
        return capsys.readouterr().out

    assert "and more" in await told("jobs", "list", "--limit", "2")
    listed = orjson.loads(await told("jobs", "list", "--json", "--reason", "NoCapacity"))
    assert ({row["id"] for row in listed["work"]}, listed["hasMore"]) == ({f"Job:{id}" for id in ids}, False)
    assert orjson.loads(await told("jobs", "list", "--json", "--kind", "VERIFY"))["work"] == []

    shown = await told("jobs", "show", ids[0])
    assert "status: FAILED" in shown
    assert "Rossi" not in shown

    assert "will be done again" in await told("jobs", "retry", ids[0], "--why", "The disk was full.")
    assert "NOT_FAILED" in await told("jobs", "retry", ids[0], status=1)
    assert len(orjson.loads(await told("jobs", "retry", "--all", "--community", str(COMMUNITY), "--json"))["work"]) == 2
    assert "nothing to retry" in await told("jobs", "retry", "--all")
    assert await told("jobs", "retry", status=1) == "", "what is named by nothing is not everything"
    for sort in ("messages", "deliveries", "webhooks", "outbox"):
        assert "0 in all" in await told(sort, "list", "--kind", "NONE")

    async with connected.transaction() as session:
        entries = await session.execute(select(AuditEntry.actor, AuditEntry.act))
        assert entries.all() == [("command-line", "job.retry")] * 3
        assert set(await session.scalars(select(Job.status))) == {JobStatus.QUEUED}
    await connected.close()
