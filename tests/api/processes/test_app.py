"""The application refuses what it could not serve safely, and tells how far behind it is."""

import asyncio
import hashlib
import json
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from api.processes import gauges
from api.processes.app import trusted_documents
from api.resources.database import connect
from domain.events import feed
from domain.jobs import queue
from domain.market.clearing.words import CLEAR_MARKET


def test_trusted_documents_are_named_by_their_digest(tmp_path: Path) -> None:
    text = "{ __typename }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({digest: text}))

    assert trusted_documents(file) == {digest: text}
    assert trusted_documents(None) == {}


def test_a_document_under_another_digest_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({"0" * 64: "{ __typename }"}))

    with pytest.raises(ValueError, match="is not the SHA-256"):
        trusted_documents(file)


async def test_the_gauges_tell_how_far_behind_the_work_is(fresh_database: str) -> None:
    database = connect(fresh_database, role="commonwatt_app", pool=2)
    async with database.transaction() as session:
        await queue.enqueue(session, CLEAR_MARKET, "waits", {})
        await feed.append(session, "stream", [{}, {}])
    registry = CollectorRegistry()

    watching = asyncio.create_task(gauges.watch(database, registry))
    async with asyncio.timeout(5):
        while registry.get_sample_value("commonwatt_jobs_open") != 1.0:
            await asyncio.sleep(0.01)
    watching.cancel()
    await database.close()

    assert registry.get_sample_value("commonwatt_events_behind") == 2.0
    assert (registry.get_sample_value("commonwatt_job_waiting_seconds") or 0) > 0
