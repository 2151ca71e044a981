"""The application refuses what it could not serve safely, and tells how far behind it is."""

import asyncio
import hashlib
import json
import logging
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from api.processes import gauges
from api.resources.database import connect
from api.resources.settings import trusted_documents
from domain.events import feed
from domain.jobs import queue
from domain.market.clearing.words import CLEAR_MARKET
from tests.factories.market import BUY, a_market, a_trader, an_order


def test_trusted_documents_are_named_by_their_digest(tmp_path: Path) -> None:
    document = "{ __typename }"
    digest = hashlib.sha256(document.encode()).hexdigest()
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({digest: document}))

    assert trusted_documents(file) == {digest: document}
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
    assert abs(registry.get_sample_value("commonwatt_clock_ahead_seconds") or 0) < 2
    assert (registry.get_sample_value("commonwatt_job_waiting_seconds") or 0) > 0


async def test_a_market_that_is_not_cleared_is_counted_and_named(
    fresh_database: str, caplog: pytest.LogCaptureFixture
) -> None:
    database = connect(fresh_database, role="commonwatt_app", pool=2)
    async with database.transaction() as session:
        market = await a_market(session)
        await an_order(session, await a_trader(session), market, BUY)
        ahead = text("UPDATE market SET last_batch = extract(epoch FROM now())::bigint + 600")
        await session.execute(ahead)
    registry = CollectorRegistry()

    with caplog.at_level(logging.WARNING, "commonwatt.gauges"):
        watching = asyncio.create_task(gauges.watch(database, registry))
        async with asyncio.timeout(5):
            while registry.get_sample_value("commonwatt_markets_late") != 1.0:
                await asyncio.sleep(0.01)
        watching.cancel()
    await database.close()

    assert f"orders wait in 1 market(s) that are not cleared: {market}" in caplog.messages
