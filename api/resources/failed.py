"""Tell in the log of what failed for good: one line at level ERROR, with ids and codes only."""

import logging
from collections.abc import Iterable

from domain.events.ends import Failure

logger = logging.getLogger("commonwatt.failures")


def tell(failures: Iterable[Failure]) -> None:
    """Log failures that are committed, or that nothing keeps."""
    for failure in failures:
        fields = {
            "work": failure.work,
            "kind": failure.kind,
            "id": failure.id,
            "community": failure.community_id,
            "reason": failure.reason,
        }
        logger.error("%s failed: %s", failure.work, failure.reason, extra={"fields": fields})
