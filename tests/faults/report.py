"""What a run is told by: figures, then each check, then the verdict."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.faults.checks import broken
from tests.faults.draining import DRAINED_S
from tests.faults.journal import Journal
from tests.faults.killing import Killed
from tests.faults.running import Result

SHOWN = 5  # Of each check, how many faults are printed.


def has_passed(result: Result) -> bool:
    """Whether nothing is wrong."""
    return result.is_verified and not _is_late(result) and not any(broken(result.run).values())


def lines(result: Result, killed: Sequence[Killed]) -> Iterator[str]:
    """The report, line by line."""
    services = Counter(each.service for each in killed)
    settling = Counter(each.service for each in killed if each.was_settling)
    yield f"killed: {_counts(services)}; of these while a settlement ran: {_counts(settling)}"
    yield f"requests: {_counts(_answers(result.run.journal))}"
    yield f"sent again after no answer: {_counts(result.run.journal.lost)}"
    yield f"there: {_counts(result.run.facts.counts)}"
    yield f"drained {result.drained_s:.1f} s after the last kill{_left(result)}: {'LATE' if _is_late(result) else 'ok'}"
    for name, faults in broken(result.run).items():
        yield f"{name}: {f'BROKEN {len(faults)} times' if faults else 'holds'}"
        yield from (f"    {fault}" for fault in faults[:SHOWN])
    yield from result.verified.splitlines()
    yield "PASSED" if has_passed(result) else "FAILED"


def _is_late(result: Result) -> bool:
    return bool(result.left) or result.drained_s > DRAINED_S


def _left(result: Result) -> str:
    return f", but for {_counts(Counter(result.left))}" if result.left else ""


def _answers(journal: Journal) -> Counter[str]:
    answers = (f"{journal.asked[key].act} {told.code or 'done'}" for key, told in journal.told.items())
    return Counter(answers)


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "none"
