"""Attempts: when a delivery is tried again, what came of one, and when to give up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.notifications.tables import NotificationOutcome

# After which delay a failed attempt is followed by another: growing, three days in all (71 h 42 min 35 s).
RETRY_AFTER = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=18),
    timedelta(hours=22),
)
ATTEMPTS_MAX = len(RETRY_AFTER) + 1
LEASE = timedelta(seconds=60)  # Longer than an attempt may take; then whoever held it is taken for dead.


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt: an HTTP or SMTP status where there was an answer, and whether another would be vain."""

    outcome: NotificationOutcome
    status_code: int | None = None
    is_final: bool = False

    @property
    def is_acknowledged(self) -> bool:
        """Whether the receiver has it."""
        return self.outcome is NotificationOutcome.ACKNOWLEDGED


def next_attempt_at(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None to give up."""
    return now + RETRY_AFTER[attempts - 1] if attempts <= len(RETRY_AFTER) else None
