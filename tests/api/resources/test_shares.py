"""Heavy reads take turns: few at a time, one for each caller, and none waits for itself."""

import asyncio

import pytest

from api.resources.shares import Reader, Turns


class Reads:
    """Reads that end when they are told to, and who has begun one."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.begun: list[str] = []
        self.ends = asyncio.Event()

    async def read(self, reader: Reader) -> None:
        async with self.turns.turn(reader):
            self.begun.append(reader.caller)
            await self.ends.wait()


async def under_way(reads: Reads, *callers: str) -> list[asyncio.Task[None]]:
    """An operation of each."""
    return await begun(reads, *map(Reader, callers))


async def begun(reads: Reads, *readers: Reader) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(reads.read(reader)) for reader in readers]
    await asyncio.sleep(0.01)
    return tasks


async def test_a_caller_reads_once_at_a_time_and_all_together_a_few_times() -> None:
    reads = Reads(Turns(2))

    tasks = await under_way(reads, "a", "a", "a", "b", "c")

    assert reads.begun == ["a", "b"]
    reads.ends.set()
    await asyncio.gather(*tasks)


async def test_who_asks_for_much_holds_up_others_by_one_read() -> None:
    reads = Reads(Turns(1))

    tasks = await under_way(reads, *["a"] * 20, "b")
    reads.ends.set()
    await asyncio.gather(*tasks)

    assert reads.begun.index("b") == 1


async def test_who_came_first_is_served_to_the_end() -> None:
    reads = Reads(Turns(1))
    readers = [Reader(caller) for caller in "abc"]

    tasks = await begun(reads, *(reader for reader in readers for _ in range(4)))
    reads.ends.set()
    await asyncio.gather(*tasks)

    assert "".join(reads.begun) == "aaaabbbbcccc"


async def test_within_a_turn_another_one_is_the_same() -> None:
    turns = Turns(1)

    async with asyncio.timeout(1), turns.turn(Reader("a")), turns.turn(Reader("a")), turns.turn(Reader("b")):
        pass


async def test_who_stops_waiting_leaves_the_line_and_nothing_behind() -> None:
    turns = Turns(1)
    reads = Reads(turns)
    first, second, third = await under_way(reads, "a", "a", "b")

    second.cancel()
    third.cancel()
    await asyncio.gather(second, third, return_exceptions=True)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first

    assert turns._lines == {}
    async with asyncio.timeout(1), turns.turn(Reader("b")):
        pass
