"""How work ended, for Prometheus: counters over all workers, read from the database every few seconds.

Each API tells the same counts, so take the `max` over them. They go on where a process is restarted.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from api.resources import failures
from api.resources.database import Database
from api.transport.terms.errors import reason_of
from domain.events import ends
from domain.events.ends import Ended

logger = logging.getLogger("commonwatt.gauges")
LOOK_S = 5.0
LABELS = ("kind", "end")

COUNTERS = {
    "job": ("commonwatt_jobs_ended", "Jobs by how they ended."),
    "message_delivery": ("commonwatt_messages_ended", "Mails and posts to web hooks by how they ended."),
    "payment": ("commonwatt_payments_ended", "Payments by how they ended."),
    "webhook": ("commonwatt_webhooks_ended", "Web hooks that were disabled, by why."),
}


class Counters:
    """What was counted when it was last looked up."""

    def __init__(self) -> None:
        self.counts: Sequence[Ended] = ()

    def collect(self) -> Iterator[Metric]:
        """The counters, when Prometheus asks."""
        for work, named in COUNTERS.items():
            family = CounterMetricFamily(*named, labels=LABELS)
            for ended in self.counts:
                if ended.work == work:
                    family.add_metric((ended.kind, ended.outcome), ended.times)
            yield family


async def watch(database: Database, registry: CollectorRegistry) -> None:
    """Keep the counters for ever; while the database is away they stand as they were."""
    counters = Counters()
    registry.register(counters)
    while True:
        try:
            async with database.reading() as connection:
                counters.counts = await ends.counts(connection)
        except failures.RAISED as error:
            logger.warning("the counters could not be read: %s", reason_of(error))
        await asyncio.sleep(LOOK_S)
