"""Threads hand over soon, and full collections wait for the pauses between jobs."""

import gc
import sys
import weakref
from collections.abc import Iterator

import pytest

from api.jobs.turns import FULL_COLLECTION_AFTER, SWITCH_S, Turns


class Loop:
    """Holds itself, so that only a collection ends it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def turns() -> Iterator[Turns]:
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()
    yield Turns()
    gc.set_threshold(*threshold)
    gc.unfreeze()
    sys.setswitchinterval(interval)


@pytest.fixture
def no_collections_by_chance() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def abandoned() -> weakref.ref[Loop]:
    return weakref.ref(Loop())


@pytest.mark.usefixtures("turns")
def test_threads_hand_over_soon_and_full_collections_are_rare() -> None:
    assert sys.getswitchinterval() == pytest.approx(SWITCH_S)
    assert gc.get_threshold()[2] == FULL_COLLECTION_AFTER


@pytest.mark.usefixtures("no_collections_by_chance")
def test_what_jobs_leave_is_collected_when_the_last_one_ends(turns: Turns) -> None:
    with turns.job():
        with turns.job():
            left = abandoned()
        is_kept = left() is not None

    assert is_kept
    assert left() is None


@pytest.mark.usefixtures("no_collections_by_chance")
def test_a_failed_job_ends_too(turns: Turns) -> None:
    with pytest.raises(ValueError, match="failed"), turns.job():
        raise ValueError("failed")

    with turns.job():
        left = abandoned()
    assert left() is None
