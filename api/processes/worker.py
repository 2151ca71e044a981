"""The worker process: `python -m api.worker`."""

import asyncio
import logging
from uuid import UUID

from api.house import load_jobs
from api.jobs import transport
from api.jobs.turns import Turns
from api.jobs.work import carry_out
from api.processes import ending, starting
from api.resources import clock, clocks, database, writable
from api.resources.connecting import redis_addresses
from solver import machine_code

WAIT_S = 60.0  # For a connection: nobody waits for an answer.
AT_ONCE = 2  # Two cores; more work at once would only wait for them.


async def main() -> None:
    """Run jobs until SIGTERM. Ends with an error when Redis is lost, for the supervisor to start it again."""
    configured = starting.begin("worker")
    load_jobs()
    machine_code.load()  # The first job need not wait for it, nor the collector look at it.
    turns = Turns()
    connected = database.connect(
        str(configured.database_url),
        role=configured.database_role,
        pool=configured.database_pool,
        statement_seconds=None,
        wait_s=WAIT_S,
        pooled=configured.database_pooled,
        read_only=configured.read_only,
    )

    await connected.prove()

    async def run(job_id: UUID) -> None:
        if connected.writing.is_off:
            return  # It stays queued, and is handed out again.
        with turns.job():
            await carry_out(connected, job_id)

    redis = redis_addresses.connect(str(configured.redis_url))
    working = (clock.keep(connected.fetch), clocks.tell(redis, "worker"), writable.keep(connected))
    beside = [asyncio.create_task(work) for work in working]
    told = asyncio.Event()
    try:
        with ending.on_signal(told.set, configured.stop_s):
            await transport.serve(str(configured.redis_url), run, at_once=AT_ONCE, until=told, stop_s=configured.stop_s)
        logging.getLogger("commonwatt").info("worker stopped")
    finally:
        for task in beside:
            task.cancel()
        await redis.aclose()
        await connected.close()
