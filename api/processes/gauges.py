"""How far behind the work is, for Prometheus: looked up every few seconds, never while a scrape waits."""

import asyncio
import contextlib
import logging
import time

from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text

from api.failures import counters
from api.resources import clock, clocks, failures
from api.resources.database import Database
from api.transport.terms.errors import reason_of
from domain.jobs.queue import ALERTING_ATTEMPTS
from domain.market.view.lateness import late_markets

logger = logging.getLogger("commonwatt.gauges")
LOOK_S = 5.0

BEHIND = text("""
SELECT (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM job WHERE status = 'QUEUED')::float
         AS job_waiting_s,
       (SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING'))::float AS jobs_open,
       (SELECT count(*) FROM job WHERE status IN ('QUEUED', 'RUNNING') AND attempts >= :alerting)::float
         AS jobs_failing,
       (SELECT coalesce(sum(sequence - announced), 0) FROM event_stream WHERE announced < sequence)::float
         AS events_behind
""").bindparams(alerting=ALERTING_ATTEMPTS)
GAUGES = {
    "job_waiting_s": ("commonwatt_job_waiting_seconds", "Age of the oldest job that no worker has taken."),
    "jobs_open": ("commonwatt_jobs_open", "Jobs that wait or run."),
    "jobs_failing": ("commonwatt_jobs_failing", "Jobs that were tried three times or more and have not ended."),
    "events_behind": ("commonwatt_events_behind", "Events that the relay has not announced yet."),
}
CLOCK_AHEAD = ("commonwatt_clock_ahead_seconds", "How far this machine's clock is ahead of the database's.")
CLOCKS_AHEAD = ("commonwatt_machine_clock_ahead_seconds", "The same of machines with workers and relays.")
MARKETS_LATE = ("commonwatt_markets_late", "Markets with open orders that should have been cleared three batches ago.")
WARN_EVERY_S = 60.0
NAMED_MAX = 5


async def watch(database: Database, registry: CollectorRegistry, redis: Redis | None = None) -> None:
    """Keep the gauges for ever; while the database is away they stand as they were."""
    watching = [_watch(database, registry), counters.watch(database, registry)]
    if redis is not None:
        watching.append(_watch_clocks(redis, registry))
    await asyncio.gather(*watching)


async def _watch_clocks(redis: Redis, registry: CollectorRegistry) -> None:
    """Of workers and relays, which have no metrics of their own; of who tells nothing any more there is none."""
    gauge = Gauge(*CLOCKS_AHEAD, ["process", "machine"], registry=registry)
    while True:
        with contextlib.suppress(RedisError, OSError):
            ahead_s = (await clocks.told(redis)).ahead_s
            gauge.clear()
            for names, value in ahead_s.items():
                gauge.labels(*names).set(value)
        await asyncio.sleep(LOOK_S)


async def _watch(database: Database, registry: CollectorRegistry) -> None:
    gauges = {name: Gauge(*named, registry=registry) for name, named in GAUGES.items()}
    Gauge(*CLOCK_AHEAD, registry=registry).set_function(clock.ahead_s)
    markets_late = Gauge(*MARKETS_LATE, registry=registry)
    warned_s = -WARN_EVERY_S
    while True:
        try:
            async with database.reading() as connection:
                row = (await connection.execute(BEHIND)).one()
                late = await late_markets(connection, now=clock.now())
            for name, gauge in gauges.items():
                gauge.set(getattr(row, name))
            markets_late.set(len(late))
            if late and time.monotonic() - warned_s >= WARN_EVERY_S:
                warned_s = time.monotonic()
                named = ", ".join(map(str, late[:NAMED_MAX]))
                logger.warning("orders wait in %d market(s) that are not cleared: %s", len(late), named)
        except failures.RAISED as error:
            logger.warning("the gauges could not be read: %s", reason_of(error))
        await asyncio.sleep(LOOK_S)
