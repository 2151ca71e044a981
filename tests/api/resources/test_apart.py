"""What strangers have sent is read in a process that may take so much and no more, and one at a time of each."""

import asyncio
import inspect
import os
import time
from pathlib import Path

import pytest

from api import house
from api.resources import apart
from api.resources.apart import Allowance, Piece, TookTooMuch
from api.transport.terms.errors import RateLimited
from domain.kernel.errors import InvalidValue

SMALL = Allowance(memory_bytes=64 * 2**20, seconds=2)


def double(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def refuse() -> None:
    raise InvalidValue(("file", "row"), "No.")


def fill(size: int) -> int:
    return len(bytearray(size))


def spin() -> None:
    while True:
        pass


def end() -> None:
    os._exit(1)


async def test_gives_what_the_work_gives_from_another_process() -> None:
    found, process_id = await apart.run(double, 21)

    assert found == 42
    assert process_id != os.getpid()


async def test_raises_what_the_work_raises() -> None:
    with pytest.raises(InvalidValue, match="No") as refused:
        await apart.run(refuse)

    assert (refused.value.path, refused.value.message) == (("file", "row"), "No.")


async def test_memory_beyond_its_allowance_is_refused() -> None:
    assert await Piece(SMALL).run(fill, 2**20) == 2**20
    with pytest.raises(TookTooMuch, match="64 MiB"):
        await Piece(SMALL).run(fill, 2**28)


async def test_time_beyond_its_allowance_is_refused() -> None:
    began = time.monotonic()

    with pytest.raises(TookTooMuch):
        await Piece(Allowance(seconds=0.5)).run(spin)

    assert time.monotonic() - began < 5


async def test_a_process_that_dies_is_refused() -> None:
    with pytest.raises(TookTooMuch):
        await Piece(SMALL).run(end)


async def test_the_process_ends_when_nobody_waits_any_more() -> None:
    piece = Piece(Allowance(seconds=60))
    waiting = asyncio.create_task(piece.run(spin))
    async with asyncio.timeout(20):
        while piece.process is None or piece.process.pid is None:
            await asyncio.sleep(0.01)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    async with asyncio.timeout(5):
        while Path(f"/proc/{piece.process.pid}").exists():
            await asyncio.sleep(0.01)


async def test_each_caller_has_one_file_at_a_time() -> None:
    async with apart.alone("somebody"), apart.alone("somebody else"):
        with pytest.raises(RateLimited):
            async with apart.alone("somebody"):
                pass
    async with apart.alone("somebody"):
        pass


def test_every_route_that_takes_a_file_reads_it_apart_and_one_at_a_time() -> None:
    taking = {
        part.__name__: text
        for room in house.rooms()
        for part in room.routes
        if "file_of(" in (text := inspect.getsource(part))
    }

    assert len(taking) >= 3
    assert {name for name, text in taking.items() if "apart.run" not in text or "apart.alone(" not in text} == set()
