"""Frames reach a connection in order and at once, or wait within bounds, or their reader is given up."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.transport.live.mailboxes import Mailbox, MailboxClosed, run_until_it_waits
from api.transport.terms.settings import MailboxBounds

BOUNDS = MailboxBounds(frames_max=3, size_max=30, send_seconds_max=5)


class Connection:
    """Takes frames while it is open; each waits for the gate."""

    def __init__(self, bounds: MailboxBounds = BOUNDS) -> None:
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.given_up = 0
        self.fault: Exception | None = None
        self.mailbox: Mailbox[str] = Mailbox(self.send, bounds, self.give_up)

    async def send(self, frame: str) -> None:
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        self.sent.append(frame)

    def give_up(self) -> None:
        self.given_up += 1


async def test_a_connection_that_keeps_up_is_sent_to_at_once_and_without_a_task() -> None:
    connection = Connection()
    connection.gate.set()
    tasks = len(asyncio.all_tasks())

    for frame in "abc":
        connection.mailbox.put(frame)

    assert connection.sent == ["a", "b", "c"]
    assert len(asyncio.all_tasks()) == tasks


async def test_what_waits_is_sent_in_order_when_it_can_be() -> None:
    connection = Connection()
    for frame in "abc":
        connection.mailbox.put(frame)
    await asyncio.sleep(0)
    before = list(connection.sent)

    connection.gate.set()
    await connection.mailbox.send("d")
    connection.mailbox.put("e")

    assert before == []
    assert connection.sent == ["a", "b", "c", "d", "e"]
    assert connection.given_up == 0


@pytest.mark.parametrize("frames", [["1"] * 5, ["1", "2" * 31], ["1", "2" * 15, "3" * 16]])
async def test_a_reader_for_whom_too_much_waits_is_given_up_once(frames: list[str]) -> None:
    connection = Connection()

    for frame in frames:
        connection.mailbox.put(frame)
    connection.mailbox.put("more")
    connection.gate.set()
    await asyncio.sleep(0.01)

    assert connection.given_up == 1
    assert connection.mailbox.is_closed
    assert connection.sent == []


async def test_what_was_sent_waits_no_more() -> None:
    connection = Connection()
    for round in range(10):
        connection.gate.clear()
        for i in range(3):
            connection.mailbox.put(f"{round}{i}")
        connection.gate.set()
        await connection.mailbox.send("!")

    assert len(connection.sent) == 40
    assert connection.given_up == 0


async def test_a_reader_that_takes_too_long_for_a_frame_is_given_up() -> None:
    connection = Connection(MailboxBounds(frames_max=3, size_max=30, send_seconds_max=0.01))

    with pytest.raises(MailboxClosed):
        await connection.mailbox.send("a")

    assert connection.given_up == 1


@pytest.mark.parametrize("is_open", [True, False])
async def test_a_lost_connection_closes_its_mailbox(is_open: bool) -> None:
    connection = Connection()
    connection.fault = ConnectionResetError()
    if is_open:
        connection.gate.set()
    connection.mailbox.put("a")
    connection.gate.set()

    with pytest.raises(MailboxClosed):
        await connection.mailbox.send("b")

    assert connection.given_up == 0


async def test_closing_forgets_what_waits() -> None:
    connection = Connection()
    connection.mailbox.put("a")
    connection.mailbox.put("b")

    connection.mailbox.close()
    connection.gate.set()
    await asyncio.sleep(0.01)
    connection.mailbox.put("c")

    assert connection.sent == []


async def yields() -> str:
    await asyncio.sleep(0)
    return "yields"


async def waits() -> str:
    return await asyncio.wait_for(asyncio.sleep(0.001, "waits"), 1)


async def fails() -> str:
    await asyncio.sleep(0)
    raise LookupError("fails")


async def catches() -> str:
    try:
        await asyncio.get_running_loop().run_in_executor(None, int, "x")
    except ValueError:
        await asyncio.sleep(0)
    return "catches"


@pytest.mark.parametrize(
    ("begun", "told"), [(yields, "yields"), (waits, "waits"), (catches, "catches"), (fails, LookupError)]
)
async def test_a_coroutine_that_was_begun_goes_on_in_a_task(begun: Callable[[], Awaitable[str]], told: Any) -> None:
    outcome: list[Any] = []

    async def act() -> None:
        try:
            outcome.append(await begun())
        except LookupError as error:
            outcome.append(type(error))

    rest = run_until_it_waits(act())
    assert rest is not None
    await asyncio.create_task(rest)

    assert outcome == [told]


async def test_a_task_that_goes_on_with_a_coroutine_can_be_cancelled() -> None:
    outcome: list[str] = []

    async def act() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            outcome.append("cleaned up")

    rest = run_until_it_waits(act())
    assert rest is not None
    task = asyncio.create_task(rest)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})

    assert task.cancelled()
    assert outcome == ["cleaned up"]
