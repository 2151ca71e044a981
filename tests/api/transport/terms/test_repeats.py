"""A burst of failures writes a line a second, with a count."""

import io
import logging
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from api.transport.terms import errors
from api.transport.terms.logs import JsonLines
from api.transport.terms.repeats import Repeats

EVERY_S = 0.2
SOCKETS = 200


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    handler.addFilter(Repeats(handler, EVERY_S))
    root = logging.getLogger()
    root.addHandler(handler)
    yield stream
    root.removeHandler(handler)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in written.getvalue().splitlines()]


def fail() -> str:
    try:
        raise RuntimeError("each time")
    except RuntimeError as error:
        return str(errors.refused(error).extensions["errorId"])


def counted(told: list[dict[str, Any]]) -> int:
    return sum(line.get("times", 1) for line in told)


def test_failures_of_many_are_a_line_each_while_and_their_counts_add_up(written: io.StringIO) -> None:
    begun_s = time.monotonic()
    ids = {fail() for _ in range(SOCKETS)}
    seconds = time.monotonic() - begun_s
    time.sleep(2 * EVERY_S)

    told = lines(written)
    assert len(told) <= 2 + seconds / EVERY_S
    assert {line["message"] for line in told} == {"Unexpected error"}
    assert counted(told) == SOCKETS
    assert ids <= {line["error_id"] for line in told}  # Whoever was told an id finds it.


def test_unavailability_is_told_once_for_each_reason(written: io.StringIO) -> None:
    for _ in range(SOCKETS):
        for reason in ("one", "another"):
            errors.refused(ConnectionError(reason))
    time.sleep(2 * EVERY_S)

    for reason in ("one", "another"):
        told = [line for line in lines(written) if line["message"] == f"Unavailable: ConnectionError: {reason}"]
        assert counted(told) == SOCKETS
        assert len(told) < SOCKETS / 10


def test_lines_that_differ_and_what_is_no_warning_are_all_written(written: io.StringIO) -> None:
    logger = logging.getLogger("commonwatt.jobs")
    logger.setLevel(logging.INFO)
    for number in range(5):
        logger.critical("job %d failed", number)
        logger.info("the same")

    assert len(lines(written)) == 10


def test_what_libraries_say_of_each_connection_is_one_line(written: io.StringIO) -> None:
    for _ in range(10):
        logging.getLogger("sqlalchemy.pool").error("Exception terminating connection %r", object())
        logging.getLogger("asyncio").error("Task exception was never retrieved\n%r", object())

    assert len(lines(written)) == 2


def test_the_next_burst_begins_with_a_line(written: io.StringIO) -> None:
    for _ in range(2):
        fail()
        fail()
        time.sleep(2.5 * EVERY_S)

    assert [line.get("times") for line in lines(written)] == [None, 1, None, 1]
