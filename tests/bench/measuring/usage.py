"""What a process and a PostgreSQL cluster use, read from /proc."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(process_id: int, *, with_ended_children: bool = False) -> float:
    """Seconds of processor time, user and system, of all threads of a process so far."""
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if with_ended_children else 13])) / TICKS_PER_S


def wait_until_idle(process_id: int, seconds_max: float = 30) -> None:
    """Wait until a process uses less than a tenth of a processor, or for the longest time."""
    deadline = time.monotonic() + seconds_max
    while time.monotonic() < deadline:
        before = cpu_s(process_id)
        time.sleep(0.2)
        if cpu_s(process_id) - before <= 0.02:
            return


def rss_bytes(process_id: int) -> int:
    """Resident memory of a process, shared pages included."""
    return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * PAGE_BYTES


def children_of(process_id: int) -> list[int]:
    """Processes that a process started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # It has just ended.
        if int(fields[1]) == process_id:
            found.append(int(stat.parent.name))
    return found


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running PostgreSQL, by the process that the others were started by."""

    process_id: int

    @classmethod
    def of(cls, data: Path) -> "Cluster":
        """The server that runs on a data directory."""
        return cls(int((data / "postmaster.pid").read_text().split()[0]))

    def cpu_s(self) -> float:
        """Seconds of processor time of all backends so far, those that have ended included."""
        total = cpu_s(self.process_id, with_ended_children=True)
        for child in children_of(self.process_id):
            try:
                total += cpu_s(child)
            except OSError:
                continue
        return total
