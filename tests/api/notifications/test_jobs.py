"""The relay makes messages and asks for deliveries; a worker makes them."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from api.jobs import work
from api.notifications import jobs
from api.resources.settings import Settings
from domain.jobs.tables import Job, JobStatus
from domain.notifications.tables import NotificationStatus
from domain.notifications.words import DELIVER_NOTIFICATIONS
from tests.api.notifications.conftest import Post
from tests.factories.notifications import NOW, a_notice


async def jobs_of(post: Post) -> list[Job]:
    async with post.database.sessions() as session:
        query = select(Job).where(Job.kind == DELIVER_NOTIFICATIONS).order_by(Job.id)
        return list(await session.scalars(query))


async def schedule(post: Post) -> None:
    async with post.database.transaction() as session:
        await jobs.schedule(session, now=post.now)


async def test_nothing_is_asked_for_where_nothing_is_due(post: Post) -> None:
    await schedule(post)

    assert await jobs_of(post) == []


async def test_one_job_at_a_time_is_asked_for(post: Post) -> None:
    await post.message(await post.somebody())

    for _ in range(3):
        await schedule(post)
        post.now += timedelta(seconds=1)

    assert [job.status for job in await jobs_of(post)] == [JobStatus.QUEUED]


async def test_a_notice_becomes_a_mail_by_relay_and_worker(
    post: Post, fresh_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"DATABASE_URL": fresh_database, "REDIS_URL": "redis://localhost", "mail_directory": tmp_path / "mails"}
    monkeypatch.setattr(jobs, "settings", lambda: Settings.model_validate(given))
    user_id = await post.somebody()
    async with post.database.transaction() as session:
        await a_notice(session, user_id)

    for act in (jobs.make_messages, jobs.schedule_deliveries):
        async with post.database.transaction() as session:
            await act(session)
    [asked] = await jobs_of(post)
    await work.carry_out(post.database, asked.id)

    [done] = await jobs_of(post)
    [delivery] = await post.deliveries()
    assert (done.status, delivery.status) == (JobStatus.SUCCEEDED, NotificationStatus.DELIVERED)
    assert [file.name for file in (tmp_path / "mails").iterdir()] == [f"{delivery.id}.eml"]


async def test_a_job_that_finds_nothing_due_ends(post: Post, fresh_database: str) -> None:
    await post.message(await post.somebody())
    await schedule(post)
    await post.deliver()
    [asked] = await jobs_of(post)

    with pytest.MonkeyPatch.context() as patched:
        given = {"DATABASE_URL": fresh_database, "REDIS_URL": "redis://localhost"}
        patched.setattr(jobs, "settings", lambda: Settings.model_validate(given))
        await work.carry_out(post.database, asked.id)

    assert [job.status for job in await jobs_of(post)] == [JobStatus.SUCCEEDED]
    assert post.now == NOW
