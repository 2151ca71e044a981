"""Files that are made while they are sent: who reads slowly keeps nobody waiting, and not for ever."""

import asyncio
from collections.abc import AsyncIterator, Sequence

from starlette.types import Message

from api.rest.cells import FileFormat, SentFile, as_file
from domain.market.view.exports import Cell


async def pages() -> AsyncIterator[Sequence[Sequence[Cell]]]:
    yield [["1"], ["2"]]


async def test_workbooks_that_are_still_sent_keep_no_other_from_being_made() -> None:
    slow = [as_file(FileFormat.XLSX, "x", ["a"], pages()) for _ in range(5)]

    async with asyncio.timeout(10):
        first = [await anext(file) for file in slow]

    assert all(part.startswith(b"PK") for part in first)


async def test_a_file_that_is_not_read_ends_at_its_deadline() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        await asyncio.sleep(0.05)

    async def receive() -> Message:
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"

    file = SentFile(endless())
    file.seconds_max = 0.3
    async with asyncio.timeout(5):
        await file({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    assert sent[-1]["more_body"]
