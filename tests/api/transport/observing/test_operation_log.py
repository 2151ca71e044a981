"""Lines of operations written together: the same lines, none lost when a process ends in order."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from api.transport.limits.live import Live
from api.transport.observing.observations import COMMON, COSTS, Observations
from api.transport.observing.operation_log import LINES_MAX, OperationLog
from api.transport.terms.errors import ErrorCode
from api.transport.terms.logs import JsonLines
from api.transport.terms.operations import Operation
from tests.api.transport.small_schema import Viewer


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a serving process would write to standard error."""
    logger = logging.getLogger("commonwatt.operations")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger.addHandler(handler)
    before = logger.level
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(before)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def an_operation(number: int = 1) -> Operation:
    operation = Operation(f"request-{number}", Viewer("admin-token"), "127.0.0.1", "http")
    operation.name, operation.kind, operation.document_hash = "Named", "query", "0" * 64
    operation.cost, operation.results = 3, 1
    return operation


async def test_a_line_waits_for_others_and_is_written_soon(written: io.StringIO) -> None:
    log = OperationLog()

    with log.buffered():
        for number in range(3):
            log.note(an_operation(number), "completed", 0.25)
        at_once = lines(written)
        await asyncio.sleep(0.1)
        soon = lines(written)

    assert at_once == []
    assert [line["requestId"] for line in soon] == ["request-0", "request-1", "request-2"]


async def test_a_line_is_the_same_alone_or_with_others(written: io.StringIO) -> None:
    log, operation = OperationLog(), an_operation()
    operation.codes.append(ErrorCode.FORBIDDEN)

    log.note(operation, "completed", 0.25)
    with log.buffered():
        log.note(operation, "completed", 0.25)

    alone, with_others = lines(written)
    assert alone.pop("at").endswith("Z")
    assert with_others.pop("at").endswith("Z")
    assert list(alone.items()) == list(with_others.items())
    assert (alone["code"], alone["milliseconds"]) == ("FORBIDDEN", 250.0)


async def test_does_not_wait_for_more_than_a_thousand(written: io.StringIO) -> None:
    log = OperationLog()

    with log.buffered():
        for number in range(LINES_MAX + 1):
            log.note(an_operation(number), "completed", 0.25)
        at_once = len(lines(written))

    assert at_once == LINES_MAX
    assert len(lines(written)) == LINES_MAX + 1


async def test_nothing_is_lost_when_the_process_ends_in_order(written: io.StringIO) -> None:
    log = OperationLog()

    async def serve() -> None:
        with log.buffered():
            log.note(an_operation(), "completed", 0.25)
            await asyncio.sleep(60)

    serving = asyncio.create_task(serve())
    await asyncio.sleep(0)
    serving.cancel()
    await asyncio.wait([serving])
    log.note(an_operation(2), "completed", 0.25)

    assert [line["requestId"] for line in lines(written)] == ["request-1", "request-2"]


async def test_is_silent_when_the_level_says_so(written: io.StringIO) -> None:
    log = OperationLog()
    logging.getLogger("commonwatt.operations").setLevel(logging.WARNING)

    with log.buffered():
        log.note(an_operation(), "completed", 0.25)

    assert lines(written) == []


def test_histograms_count_as_those_of_prometheus_do() -> None:
    registry, theirs = CollectorRegistry(), CollectorRegistry()
    observations = Observations(registry, frozenset({"Named"}), Live(1, 1))
    histogram = Histogram("graphql_operation_cost", "", COMMON, buckets=COSTS, registry=theirs)

    for cost in (0, 1, 2, 5, 6, 10_000, 10_001):
        operation = an_operation()
        operation.cost = cost
        observations.note(operation)
        histogram.labels("Named", "query", "http").observe(cost)

    def lines(of: CollectorRegistry) -> list[str]:
        text = generate_latest(of).decode().splitlines()
        return sorted(line for line in text if line.startswith("graphql_operation_cost_") and "_created" not in line)

    assert lines(registry) == lines(theirs)
    assert len(lines(registry)) == len(COSTS) + 3


def test_counts_each_set_of_labels_by_itself() -> None:
    registry = CollectorRegistry()
    observations = Observations(registry, frozenset({"Named"}), Live(1, 1))
    refused, subscription = an_operation(), an_operation()
    refused.codes.append(ErrorCode.FORBIDDEN)
    subscription.kind, subscription.name = "subscription", "Invented"

    for operation in (an_operation(), an_operation(), refused, subscription):
        observations.note(operation)

    def count(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(name, {"operation": "Named", "kind": "query", "transport": "http", **labels})

    assert count("graphql_operations_total", code="OK") == 2
    assert count("graphql_operations_total", code="FORBIDDEN") == 1
    assert count("graphql_operation_seconds_count") == 3
    assert count("graphql_operation_cost_sum") == 9
    assert count("graphql_operation_cost_sum", operation="other", kind="subscription") == 3
    assert count("graphql_operation_seconds_count", operation="other", kind="subscription") is None
