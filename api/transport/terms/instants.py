"""What time it is by a clock elsewhere that all processes share, as far as this process has measured it.

A measurement is an answer of that clock, and when it was asked for and had by the monotonic clock of this machine: it
bounds how far the two are apart. What several of them bound together is narrower, so a slow answer spoils nothing, and
the estimate errs by half of the quickest round trip at most. Bounds that contradict each other say that a clock was
moved: then the last answer counts, at once. To look what time it is costs no more than looking at a machine's clock.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_NS = 1_000_000_000
RESOLUTION_NS = 1_000  # An answer tells whole microseconds, cut off.
# Grows whatever is done to the machine's clock, and on Linux also while the machine is suspended.
uptime_ns = partial(time.clock_gettime_ns, getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
DRIFT = 2_000  # Quartz and its steering make two clocks differ by a two-thousandth of what has passed, at most.


class Estimate:
    """Another clock, in nanoseconds since 1970. Until it was measured, the machine's stands for it."""

    def __init__(
        self, monotonic_ns: Callable[[], int] = uptime_ns, machine_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self.monotonic_ns = monotonic_ns
        self.machine_ns = machine_ns
        self.is_measured = False
        self._low_ns = self._high_ns = self._apart_ns = self._taken_ns = 0

    def at_ns(self) -> int:
        """What the other clock shows now."""
        return self.monotonic_ns() + self._apart_ns if self.is_measured else self.machine_ns()

    def ahead_s(self) -> float:
        """How far the machine's clock is ahead of the other one, seconds; below zero where it is behind."""
        return (self.machine_ns() - self.at_ns()) / SECOND_NS

    def take(self, asked_ns: int, shown_ns: int, had_ns: int) -> int:
        """Take what the other clock showed between two instants of the monotonic one; gives how far it was moved, ns.

        That is 0 where the answer agrees with those before it.
        """
        low, high = shown_ns - had_ns, shown_ns + RESOLUTION_NS - asked_ns
        moved_ns = 0
        if self.is_measured:
            drift_ns = (had_ns - self._taken_ns) // DRIFT
            known = self._low_ns - drift_ns, self._high_ns + drift_ns
            if low <= known[1] and known[0] <= high:
                low, high = max(low, known[0]), min(high, known[1])
            else:
                moved_ns = (low + high) // 2 - self._apart_ns
        self._low_ns, self._high_ns, self._taken_ns = low, high, had_ns
        self._apart_ns, self.is_measured = (low + high) // 2, True
        return moved_ns


SHARED = Estimate()


def take(asked_ns: int, shown_at: datetime) -> float:
    """Take what the shared clock showed in an answer that was just had; gives how far it was moved, seconds."""
    shown_ns = (shown_at - EPOCH) // timedelta(microseconds=1) * 1_000
    return SHARED.take(asked_ns, shown_ns, SHARED.monotonic_ns()) / SECOND_NS


def now() -> datetime:
    """The instant by the shared clock, UTC."""
    return datetime.fromtimestamp(SHARED.at_ns() / SECOND_NS, UTC)
