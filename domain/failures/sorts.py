"""The sorts of work that can fail for good or wait for ever: where each is found, and what is told of it.

`found` selects, of each piece, its id (the name of its type and its key), kind, community, reason, attempts and
instant. Reasons are codes, and nothing that a person wrote is selected.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class WorkSort(StrEnum):
    """What sort of work failed."""

    JOB = "JOB"
    MESSAGE = "MESSAGE"
    DELIVERY = "DELIVERY"
    WEBHOOK = "WEBHOOK"
    OUTBOX = "OUTBOX"


@dataclass(frozen=True, slots=True)
class Sort:
    """How the command line calls it, the type of most of it, what its list holds, and where it is found."""

    plural: str
    type: str
    about: str
    found: str


def _given_up(channel: str) -> str:
    return f"""
        SELECT 'NotificationDelivery:' || delivery.id AS id, coalesce(message.kind, 'TEST') AS kind,
               message.facts ->> 'community_id' AS community,
               coalesce(delivery.outcome, 'UNKNOWN') AS reason, delivery.attempts, delivery.created_at AS at
        FROM message_delivery AS delivery LEFT JOIN message ON message.id = delivery.message_id
        WHERE delivery.channel = '{channel}' AND delivery.status = 'GIVEN_UP'"""  # noqa: S608 - made of constants.


SORTS: Mapping[WorkSort, Sort] = MappingProxyType(
    {
        WorkSort.JOB: Sort(
            "jobs",
            "Job",
            "Jobs that failed.",
            """
            SELECT 'Job:' || id AS id, kind, community_id::text AS community,
                   coalesce(error_code, 'UNKNOWN') AS reason, attempts, finished_at AS at
            FROM job WHERE status = 'FAILED' AND finished_at IS NOT NULL""",
        ),
        WorkSort.MESSAGE: Sort(
            "messages", "NotificationDelivery", "Messages that were given up by mail.", _given_up("MAIL")
        ),
        WorkSort.DELIVERY: Sort(
            "deliveries", "NotificationDelivery", "Posts to web hooks that were given up.", _given_up("WEBHOOK")
        ),
        WorkSort.WEBHOOK: Sort(
            "webhooks",
            "Webhook",
            "Web hooks to which nothing is sent any more.",
            """
            SELECT 'Webhook:' || id AS id, 'WEBHOOK' AS kind, NULL::text AS community,
                   coalesce(disabled_reason, 'UNKNOWN') AS reason, 0 AS attempts, disabled_at AS at
            FROM webhook WHERE disabled_at IS NOT NULL AND removed_at IS NULL""",
        ),
        WorkSort.OUTBOX: Sort(
            "outbox",
            "Notice",
            "Notices of which no messages were made yet, and event streams with news that was not announced yet.",
            """
            SELECT 'Notice:' || id AS id, kind, facts ->> 'community_id' AS community, 'NOT_TAKEN' AS reason,
                   0 AS attempts, created_at AS at
            FROM notice WHERE taken_at IS NULL
            UNION ALL
            SELECT 'EventStream:' || stream, 'EVENTS', NULL, 'NOT_ANNOUNCED', 0, event.created_at
            FROM event_stream AS known JOIN event USING (stream)
            WHERE known.announced < known.sequence AND event.sequence = known.announced + 1""",
        ),
    }
)

# What is shown of one piece, failed or not: by the name of its type, its table, its key and its type, and columns.
SHOWN: Mapping[str, tuple[str, str, str, str]] = MappingProxyType(
    {
        "Job": (
            "job",
            "id",
            "uuid",
            "kind, key, status, attempts, attempts_max, error_code, community_id, created_at, started_at, finished_at",
        ),
        "NotificationDelivery": (
            "message_delivery",
            "id",
            "uuid",
            "channel, status, attempts, outcome, status_code, webhook_id, created_at, next_attempt_at, delivered_at",
        ),
        "Webhook": ("webhook", "id", "uuid", "kinds, created_at, disabled_at, disabled_reason, removed_at"),
        "Notice": ("notice", "id", "uuid", "kind, created_at, taken_at"),
        "EventStream": ("event_stream", "stream", "text", "sequence, announced"),
    }
)
