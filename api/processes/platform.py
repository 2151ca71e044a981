"""The platform's state beside what one API needs: `/healthz/platform`, and gauges of the same.

It costs a few short statements, a second apart at most however many ask; what it could take long to count is bounded.
A process of a platform that is late or alone is as ready as ever: nobody is helped by taking it from its balancer.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from api.resources import clock, clocks
from api.resources.clocks import Told
from api.resources.database import Database
from domain.jobs.queue import ALERTING_ATTEMPTS
from domain.market.view.lateness import late_markets

KEPT_S = 1.0
GAUGES_S = 5.0
SIZE_KEPT_S = 60.0  # Summing the sizes of all files takes long where there are many.
ANSWER_S = 5.0
LATE_S = 30.0
CLOCK_S = 2.0

# Jobs are looked at among the ten thousand oldest that have not ended; of those that failed a thousand are counted.
STATE = text("""
WITH open AS MATERIALIZED (
    SELECT status, attempts, created_at, dispatch_after FROM job WHERE status IN ('QUEUED', 'RUNNING')
    ORDER BY created_at LIMIT 10000)
SELECT (SELECT coalesce(extract(epoch FROM now() - min(dispatch_after)), 0) FROM open
        WHERE status = 'QUEUED' AND dispatch_after < now())::float AS relay_late_s,
       (SELECT count(*) FROM open) AS jobs_open,
       (SELECT coalesce(extract(epoch FROM now() - min(created_at)), 0) FROM open WHERE status = 'QUEUED')::float
         AS job_waiting_s,
       (SELECT count(*) FROM open WHERE attempts >= :alerting) AS jobs_failing,
       (SELECT count(*) FROM (SELECT FROM job WHERE status = 'FAILED' AND finished_at > now() - interval '1 hour'
                              LIMIT 1000) AS failed) AS jobs_failed,
       (SELECT coalesce(sum(sequence - announced), 0) FROM event_stream WHERE announced < sequence)::bigint
         AS events_behind,
       pg_is_in_recovery() AS is_standby,
       CASE WHEN NOT pg_is_in_recovery() THEN NULL WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
            ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END::float AS behind_s
""").bindparams(alerting=ALERTING_ATTEMPTS)
# Of other users' connections only members of pg_monitor see the lag.
STANDBYS = text("""
SELECT coalesce(nullif(application_name, ''), host(client_addr), 'standby') AS name,
       extract(epoch FROM replay_lag)::float AS lag_s
FROM pg_stat_replication ORDER BY 1 LIMIT 20""")
SIZE = text("SELECT pg_database_size(current_database())")


@dataclass(slots=True)
class State:
    """What was found; None where it could not be asked."""

    database: Any = None
    standbys: list[tuple[str, float | None]] = field(default_factory=list)
    bytes: int | None = None
    markets_late: int = 0
    told: Told | None = None
    is_read_only: bool = False

    def problems(self) -> list[str]:
        """What an operator should look at, a sentence each."""
        found = {
            "the database is read-only": self.is_read_only,
            "the database does not answer": self.database is None,
            "Redis does not answer": self.told is None,
            "no relay tells that it is there": self.told is not None and not self.alive("relay"),
            "no worker tells that it is there": self.told is not None and not self.alive("worker"),
            "markets are not cleared": self.markets_late > 0,
            "a standby is behind": any((lag_s or 0) > LATE_S for _, lag_s in self.standbys),
            "a machine's clock is wrong": any(abs(ahead_s) > CLOCK_S for ahead_s in self.ahead_s().values()),
        }
        if self.database is not None:
            found["jobs wait for the relay"] = self.database.relay_late_s > LATE_S
            found["jobs fail again and again"] = self.database.jobs_failing > 0
            found["this standby is behind"] = (self.database.behind_s or 0) > LATE_S
        return [sentence for sentence, is_so in found.items() if is_so]

    def alive(self, process: str) -> int:
        """How many processes of a kind have told of themselves just now."""
        return sum(count for (name, _), count in (self.told.alive if self.told else {}).items() if name == process)

    def ahead_s(self) -> dict[tuple[str, str], float]:
        """How far clocks are ahead, by process and machine."""
        return {("api", "this"): clock.ahead_s(), **(self.told.ahead_s if self.told else {})}

    def shown(self) -> Mapping[str, object]:
        """As JSON has it."""
        problems, found = self.problems(), self.database
        return {
            "status": "degraded" if problems else "ok",
            "mode": "read-only" if self.is_read_only else "read-write",
            "problems": problems,
            "processes": {name: self.alive(name) for name in ("relay", "worker")},
            "clocks": [
                {"process": process, "machine": machine, "aheadSeconds": round(ahead_s, 3)}
                for (process, machine), ahead_s in self.ahead_s().items()
            ],
            "markets": {"late": self.markets_late},
            "relay": found and {"lateSeconds": found.relay_late_s, "eventsBehind": found.events_behind},
            "jobs": found
            and {
                "open": found.jobs_open,
                "waitingSeconds": found.job_waiting_s,
                "failing": found.jobs_failing,
                "failedLastHour": found.jobs_failed,
            },
            "database": found
            and {
                "bytes": self.bytes,
                "isStandby": found.is_standby,
                "behindSeconds": found.behind_s,
                "standbys": [{"name": name, "lagSeconds": lag_s} for name, lag_s in self.standbys],
            },
        }


class Platform:
    """The state as it was found last, found anew when somebody asks and it is older than a second."""

    def __init__(self, database: Database, redis: Redis) -> None:
        self._database, self._redis = database, redis
        self._turn = asyncio.Lock()
        self._state, self._until_s = State(), 0.0
        self._bytes: int | None = None
        self._measured_s = -SIZE_KEPT_S

    async def shown(self) -> Mapping[str, object]:
        """For `/healthz/platform`."""
        return (await self.state()).shown()

    async def state(self) -> State:
        async with self._turn:
            if time.monotonic() >= self._until_s:
                self._state = await self._found()
                self._until_s = time.monotonic() + KEPT_S
            return self._state

    async def _found(self) -> State:
        state = State(is_read_only=self._database.writing.is_off)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._ask_database(state)
        except (SQLAlchemyError, OSError):  # TimeoutError is one.
            state.database = None
        try:
            async with asyncio.timeout(ANSWER_S):
                state.told = await clocks.told(self._redis)
        except (RedisError, OSError):
            pass
        return state

    async def _ask_database(self, state: State) -> None:
        async with self._database.reading() as connection:
            state.database = (await connection.execute(STATE)).one()
            state.standbys = [(row.name, row.lag_s) for row in await connection.execute(STANDBYS)]
            state.markets_late = len(await late_markets(connection, now=clock.now()))
            if time.monotonic() - self._measured_s >= SIZE_KEPT_S:
                self._bytes = (await connection.execute(SIZE)).scalar_one()
                self._measured_s = time.monotonic()
            state.bytes = self._bytes


async def watch(platform: Platform, registry: CollectorRegistry) -> None:
    """Keep the gauges for ever; what could not be asked stands as it was."""
    read_only = Gauge("commonwatt_read_only", "1 while nothing can be changed.", registry=registry)
    late = Gauge("commonwatt_relay_late_seconds", "For how long a job waits to be handed out.", registry=registry)
    alive = Gauge(
        "commonwatt_processes_alive",
        "Workers and relays that told of themselves within 15 s.",
        ["process", "machine"],
        registry=registry,
    )
    size = Gauge("commonwatt_database_bytes", "Size of the database.", registry=registry)
    lag = Gauge("commonwatt_replication_lag_seconds", "How far standbys are behind.", ["standby"], registry=registry)
    while True:
        state = await platform.state()
        read_only.set(state.is_read_only)
        if state.told is not None:
            alive.clear()
            for process in ("relay", "worker"):  # None of a kind is 0, not absent: alerts compare.
                alive.labels(process, "any").set(state.alive(process))
            for names, count in state.told.alive.items():
                alive.labels(*names).set(count)
        if state.database is not None:
            late.set(state.database.relay_late_s)
            size.set(state.bytes or 0)
            lag.clear()
            if state.database.is_standby:
                lag.labels("this").set(state.database.behind_s or 0)
            for name, lag_s in state.standbys:
                lag.labels(name).set(lag_s or 0)
        await asyncio.sleep(GAUGES_S)
