"""One process that serves the API over HTTP and does what relay and worker do, when it is told to.

Periodic work is asked for and jobs are carried out in their order of arrival until nothing is left. The parts are the
product's own; only their timing is ours, so that a day comes out the same however busy the machine is.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import uvicorn
from sqlalchemy import select

from api.house import load_jobs
from api.jobs.work import carry_out
from api.processes import relay
from api.processes.app import create_app
from api.resources import clock, database
from api.resources.database import Database
from api.resources.settings import settings
from api.transport.http.bounds import BoundedProtocol
from api.transport.live.corks import CorkedProtocol
from domain.jobs.tables import Job, JobStatus

ROUNDS_MAX = 200


class Site:
    """A running API and its work."""

    def __init__(self, url: str, connected: Database, clock_file: Path) -> None:
        self.url = url
        self.database = connected
        self._clock_file = clock_file
        self.jobs = 0
        self.failed: list[str] = []

    def move_clock(self, at: datetime) -> None:
        """Tell markets and meters the time."""
        clock.move_to(self._clock_file, at)

    async def work(self) -> None:
        """Do all that is due now, and what that brings about."""
        for _ in range(ROUNDS_MAX):
            await relay.act_periodically(self.database)
            waiting = await self._waiting()
            if not waiting:
                return
            for job_id in waiting:
                await carry_out(self.database, job_id)
                self.jobs += 1
        raise RuntimeError("work brings about more work without end")

    async def _waiting(self) -> list[UUID]:
        async with self.database.transaction() as session:
            query = select(Job.id).where(Job.status == JobStatus.QUEUED).order_by(Job.created_at, Job.id)
            return list(await session.scalars(query))

    async def check_jobs(self) -> list[str]:
        """What became of jobs that did not succeed."""
        async with self.database.transaction() as session:
            query = select(Job).where(Job.status != JobStatus.SUCCEEDED).order_by(Job.id)
            return [f"{job.kind} {job.status}: {job.error_message}" for job in await session.scalars(query)]


@asynccontextmanager
async def running(sock: socket.socket) -> AsyncIterator[Site]:
    """Serve on a bound socket; the settings are those of the environment."""
    configured = settings()
    assert configured.clock_file is not None
    load_jobs()
    host, port = sock.getsockname()[:2]
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(configured),
            http=BoundedProtocol,
            ws=CorkedProtocol,
            proxy_headers=False,
            log_level="warning",
            access_log=False,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    connected = database.connect(str(configured.database_url), role=configured.database_role, statement_seconds=None)
    while not server.started:
        await asyncio.sleep(0.05)
    try:
        yield Site(f"http://{host}:{port}", connected, configured.clock_file)
    finally:
        server.should_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        await connected.close()
