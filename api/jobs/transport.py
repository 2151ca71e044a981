"""ARQ, behind one small module: send job ids, and run a function for each one that arrives.

ARQ is transport, not memory (graphql.md section 9): results are not kept, and its own retries are not relied on.
A dispatch has an id of its own that changes every few seconds, because ARQ refuses an id whose holder was killed until
its time limit has passed; that a job is then perhaps sent twice does no harm, since a worker must get its lease.
ARQ scores by the clock of who sends and takes what is due by the clock of who works: all jobs have one score, long ago,
and so come in the order of their ids, which is that in which they were asked for.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import orjson
from arq.connections import ArqRedis
from arq.typing import WorkerCoroutine
from arq.worker import Worker, func

from api.resources import clock
from api.resources.connecting import redis_addresses
from api.transport.terms.instants import EPOCH
from domain.jobs.queue import ASKED, REDISPATCH, Due
from domain.jobs.tables import JobKind

Run = Callable[[UUID], Awaitable[None]]
LONG_AGO = EPOCH + timedelta(seconds=1)
TRIES = 6  # As a worker starts, a second apart.
DAY_S = 86_400  # Longer than any job: time limits are ours, not ARQ's.


def _load(data: bytes) -> dict[str, object]:
    loaded: dict[str, object] = orjson.loads(data)
    return loaded


def _queue_of(lane: str) -> str:
    """Short work does not wait behind long work, markets not for a payment provider, and nothing for what users ask."""
    return f"commonwatt:{lane}"


async def connect(redis_url: str) -> ArqRedis:
    """A connection to the queue. Raises ConnectionError."""
    return await redis_addresses.queue(redis_url, job_serializer=orjson.dumps, job_deserializer=_load)


async def send(queue: ArqRedis, due: Due) -> None:
    """Hand a job's id to the workers."""
    window = int(clock.outside().timestamp() / (2 * REDISPATCH.total_seconds()))
    await queue.enqueue_job(
        "run",
        str(due.id),
        _job_id=f"{due.id}:{due.attempt}:{window}",
        _queue_name=_queue_of(due.lane),
        _defer_until=LONG_AGO,
        _expires=timedelta(seconds=DAY_S),
    )


async def serve(redis_url: str, run: Run, *, at_once: int, until: asyncio.Event, stop_s: float) -> None:
    """Run jobs until told to stop: then what runs has `stop_s` to end, and is cut off.

    Raises when Redis is lost, for a supervisor to start the process again.
    """

    async def carry_out(_: dict[Any, Any], job_id: str) -> None:
        await run(UUID(job_id))

    first = await redis_addresses.queue(redis_url, TRIES)
    await first.aclose(close_connection_pool=True)
    names = sorted(_queue_of(lane) for lane in {ASKED, *(kind.lane for kind in JobKind)})
    workers = [
        Worker(
            functions=[func(cast(WorkerCoroutine, carry_out), name="run", keep_result=0, timeout=DAY_S, max_tries=1)],
            redis_pool=redis_addresses.of_arq(
                redis_url, job_serializer=orjson.dumps, job_deserializer=_load, default_queue_name=name
            ),
            queue_name=name,
            max_jobs=at_once,
            handle_signals=False,
            poll_delay=0.05,
            keep_result=0,
            job_serializer=orjson.dumps,
            job_deserializer=_load,
            log_results=False,
        )
        for name in names
    ]
    try:
        async with asyncio.TaskGroup() as group:
            serving = [group.create_task(worker.async_run()) for worker in workers]
            await until.wait()
            await _finish(workers, stop_s)
            for task in serving:
                task.cancel()
    finally:
        for worker in workers:
            await worker.close()


async def _finish(workers: list[Worker], seconds: float) -> None:
    """Take no more jobs, and let those that run end."""
    for worker in workers:
        worker.allow_pick_jobs = False
    running = [task for worker in workers for task in worker.tasks.values() if not task.done()]
    if running:
        await asyncio.wait(running, timeout=seconds)
