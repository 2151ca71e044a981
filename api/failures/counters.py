"""How work ended, for Prometheus: counters over all workers, read from the database every few seconds.

Each API tells the same counts, so take the `max` over them. They go on where a process is restarted.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import text

from api.resources import failures
from api.resources.database import Database
from api.transport.terms.errors import reason_of
from domain.events import ends
from domain.events.ends import Ended
from domain.jobs.tables import JobKind
from domain.ledger.tables import PaymentKind

logger = logging.getLogger("commonwatt.gauges")
LOOK_S = 5.0
LABELS = ("kind", "end")

COUNTERS = {
    "job": ("commonwatt_jobs_ended", "Jobs by how they ended."),
    "message_delivery": ("commonwatt_messages_ended", "Mails and posts to web hooks by how they ended."),
    "payment": ("commonwatt_payments_ended", "Payments by how they ended."),
    "webhook": ("commonwatt_webhooks_ended", "Web hooks that were disabled, by why."),
}
WAITING = {
    "payments_wait_s": ("commonwatt_payments_waiting_seconds", "Age of the oldest payment that has not ended."),
    "breaches": ("commonwatt_invariant_breaches", "What the last verification of the invariants found."),
}
WAITS = text("""
SELECT (SELECT coalesce(extract(epoch FROM now() - min(requested_at)), 0) FROM payment WHERE closed_at IS NULL)::float
         AS payments_wait_s,
       coalesce((SELECT breaches_count FROM verification ORDER BY id DESC LIMIT 1), 0)::float AS breaches""")


def _failures() -> dict[tuple[str, str, str], int]:
    """Every way in which work can fail, none of it yet: what is not told before it happens does not increase."""
    return {
        **{("job", kind.value, "FAILED"): 0 for kind in JobKind},
        **{("message_delivery", channel, "GIVEN_UP"): 0 for channel in ("MAIL", "WEBHOOK")},
        **{("payment", kind.value, "FAILED"): 0 for kind in PaymentKind},
        **{("webhook", reason, "DISABLED"): 0 for reason in ("UNANSWERED", "GONE")},
    }


class Counters:
    """What was counted when it was last looked up; nothing before that, as a count that begins anew would be taken for
    that of a new process.
    """

    def __init__(self) -> None:
        self.counts: Sequence[Ended] | None = None

    def collect(self) -> Iterator[Metric]:
        """The counters, when Prometheus asks."""
        if self.counts is None:
            return
        counts = _failures() | {(each.work, each.kind, each.outcome): each.times for each in self.counts}
        for counted, named in COUNTERS.items():
            family = CounterMetricFamily(*named, labels=LABELS)
            for (work, *labels), times in counts.items():
                if work == counted:
                    family.add_metric(labels, times)
            yield family


async def watch(database: Database, registry: CollectorRegistry) -> None:
    """Keep the counters for ever; while the database is away they stand as they were."""
    counters = Counters()
    registry.register(counters)
    waiting = {name: Gauge(*named, registry=registry) for name, named in WAITING.items()}
    while True:
        try:
            async with database.reading() as connection:
                counts = await ends.counts(connection)
                row = (await connection.execute(WAITS)).one()
            for name, gauge in waiting.items():
                gauge.set(getattr(row, name))
            counters.counts = counts
        except failures.RAISED as error:
            logger.warning("the counters could not be read: %s", reason_of(error))
        await asyncio.sleep(LOOK_S)
