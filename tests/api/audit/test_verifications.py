"""Run all checks of the invariants as a job."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.audit import jobs
from api.jobs.work import carry_out
from domain.audit.tables import AuditEntry, Verification
from domain.identity.tables import PlatformRole
from domain.identity.viewers import ANONYMOUS, Viewer
from domain.jobs import queue
from domain.jobs.tables import Job, JobStatus
from domain.jobs.words import VERIFY
from domain.kernel import verification
from tests.api.conftest import Execute
from tests.api.market.conftest import Live
from tests.factories.identity import a_user, a_viewer, an_admin

START = """mutation ($input: StartVerificationInput!) { startVerification(input: $input) {
  job { id kind } errors { code path } } }"""


async def started(session: AsyncSession, execute: Execute) -> tuple[Viewer, str]:
    """An administrator, and the job that they asked for."""
    admin = Viewer(user_id=(await a_user(session)).id, roles=frozenset({PlatformRole.ADMIN}))
    answer = await execute(START, admin, input={"reason": "Every Monday."})
    assert answer.refusals("startVerification") == []
    return admin, answer.data["startVerification"]["job"]["id"]


async def test_one_verification_runs_at_a_time(session: AsyncSession, execute: Execute) -> None:
    admin, first = await started(session, execute)
    again = await execute(START, admin, input={"reason": "And again."})

    assert again.data["startVerification"]["job"] == {"id": first, "kind": "VERIFY"}
    acts = await session.scalars(select(AuditEntry.act).where(AuditEntry.chain == "platform"))
    assert list(acts) == ["platform.start_verification"] * 2


async def test_only_administrators_of_the_platform_verify(session: AsyncSession, execute: Execute) -> None:
    codes = []
    for viewer in (ANONYMOUS, a_viewer()):
        answer = await execute(START, viewer, input={"reason": "x"})
        codes += [error["code"] for error in answer.errors]
    without = await execute(START, an_admin(), input={"reason": ""})

    assert codes == ["UNAUTHENTICATED", "FORBIDDEN"]
    assert [error["path"] for error in without.refusals("startVerification")] == [["reason"]]
    assert await session.scalar(select(func.count()).select_from(Job)) == 0


async def run(live: Live) -> tuple[Job, Verification]:
    async with live.database.transaction() as session:
        job_id: UUID = await queue.enqueue(session, VERIFY, "verify", {}, time_limit_s=60)
    await carry_out(live.database, job_id)
    async with live.database.transaction() as session:
        job = await session.get_one(Job, job_id)
        assert job.status is JobStatus.SUCCEEDED, job.error_message
        return job, await session.get_one(Verification, job.result_id)


async def test_the_job_runs_every_check(live: Live) -> None:
    job, found = await run(live)

    assert (job.result_type, found.breaches_count, found.breaches) == ("Verification", 0, [])
    assert found.checks == list(verification.checks())


async def test_the_job_keeps_the_first_breaches_and_counts_all(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(session: AsyncSession) -> AsyncIterator[str]:
        for number in range(5):
            yield f"row {number}"

    monkeypatch.setattr(verification, "checks", lambda: {"broken": broken})
    monkeypatch.setattr(jobs, "KEPT", 2)

    _, found = await run(live)

    assert found.breaches_count == 5
    assert found.breaches == [{"check": "broken", "message": "row 0"}, {"check": "broken", "message": "row 1"}]
