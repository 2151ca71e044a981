"""Whoever operates sees what failed: a line for each failure that is committed, and counters over all workers."""

import asyncio
import logging

import pytest
from prometheus_client import CollectorRegistry

from api.failures import counters
from api.jobs.work import FUNCTIONS, Work, carry_out
from api.resources import database
from api.resources.database import Database
from domain.grid.words import MEASURE_GRID
from domain.jobs import queue
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError

COMMUNITY = new_id()


class NothingMeasured(DomainError):
    """There is nothing to measure."""

    def __init__(self) -> None:
        super().__init__("Ada Rossi has measured nothing.")


async def refuse(_: Work) -> None:
    raise NothingMeasured


async def failed_job(connected: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, MEASURE_GRID, refuse)
    async with connected.transaction() as session:
        job_id = await queue.enqueue(session, MEASURE_GRID, "told", {}, community_id=COMMUNITY)
    await carry_out(connected, job_id)


async def test_a_final_failure_is_told_with_its_kind_its_community_and_a_code(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connected = database.connect(fresh_database, role="commonwatt_app", pool=2)

    await failed_job(connected, monkeypatch)

    (line,) = [record for record in caplog.records if record.name == "commonwatt.failures"]
    fields = line.fields  # type: ignore[attr-defined]
    assert line.levelno == logging.ERROR
    assert (fields["work"], fields["kind"], fields["community"]) == ("job", "MEASURE_GRID", COMMUNITY)
    assert fields["reason"] == "NothingMeasured"
    assert "Rossi" not in f"{line.getMessage()} {fields}"
    await connected.close()


async def test_what_is_rolled_back_is_not_told(fresh_database: str, caplog: pytest.LogCaptureFixture) -> None:
    connected = database.connect(fresh_database, role="commonwatt_app", pool=2)
    async with connected.transaction() as session:
        job_id = await queue.enqueue(session, MEASURE_GRID, "untold", {})

    async def fail_and_break() -> None:
        async with connected.transaction() as session:
            await queue.fail(session, job_id, "NothingMeasured", "There is nothing to measure.")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_and_break()

    assert not [record for record in caplog.records if record.name == "commonwatt.failures"]
    await connected.close()


async def test_every_api_counts_what_all_workers_did(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connected = database.connect(fresh_database, role="commonwatt_app", pool=2)
    await failed_job(connected, monkeypatch)
    labels, told = {"kind": "MEASURE_GRID", "end": "FAILED"}, []

    for _ in range(2):  # As if the process was started again.
        registry = CollectorRegistry()
        watching = asyncio.create_task(counters.watch(connected, registry))
        while (count := registry.get_sample_value("commonwatt_jobs_ended_total", labels)) is None:
            await asyncio.sleep(0.01)
        watching.cancel()
        told.append(count)

    assert told == [1, 1]
    await connected.close()
