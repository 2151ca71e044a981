"""The commands of docs/walk-through.md do what the page says."""

import re
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.resources import clock
from bin.devstack.installation import ROOT
from tests.acceptance.stack import programs
from tests.acceptance.stack.programs import Running
from tests.conftest import Server

PAGE = ROOT / "docs/walk-through.md"
CHAPTER = re.compile(r"^##? (.+)$", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
BY_A_CLOCK = "From an order to its statement"
BEGINNING = ("Walk-through", "People")
CHECKS = 8
TOLD = (
    '"sharedKwh":"9886.3709"',
    '"differences":{"totalCount":0}',
    '"price":"0.2","kind":"CLEARED","volumeKwh":"0.25"',
    '"isTransferLimited":true',
    "I6 audit: holds",
)
TOLD_OF_A_STATEMENT = (
    '"held":"0.202004"',  # Rounded up from 0.8 x 0.252504.
    '"status":"FILLED","held":"0"',
    '"energyKwh":"0.8","price":"0.1"',
    '"status":"OPEN","price":"0.15","leftKwh":"0.5"',
    '"status":"SOLD","price":"0.15","leftKwh":"0"',
    '"deliveredKwh":"0.6","sellerShortKwh":"0.2"',
    '"deliveredKwh":"0.5","sellerShortKwh":"0"',
    '"available":"4.820046","held":"0"',
    '"ledgerTotal":"0.179954"',
)

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the page's commands need curl")


def chapters() -> dict[str, str]:
    """The commands of the page by heading."""
    _, *parts = CHAPTER.split(PAGE.read_text(encoding="utf-8"))
    return {name: "".join(BLOCK.findall(text)) for name, text in zip(parts[::2], parts[1::2], strict=True)}


def said(stack: Running, commands: list[str], directory: Path) -> str:
    """What a script of the page says."""
    script = directory / "walk-through.sh"
    script.write_text("\n".join(["set -eu", f"mktemp() {{ echo {directory}; }}", *commands]))
    return stack.run("bash", script)


@pytest.fixture
async def by_a_clock(processes: None, server: Server, valkey_url: str, tmp_path: Path) -> AsyncIterator[Running]:
    """A stack whose clock stands still until it is moved."""
    file = tmp_path / "clock"
    clock.move_to(file, datetime(2026, 6, 16, tzinfo=UTC))
    url, more = await server.create_database(), {"COMMONWATT_CLOCK_FILE": str(file)}
    with programs.running(url, f"{valkey_url.removesuffix('/0')}/8", tmp_path, more) as up:
        yield up
    await server.drop_database(url)


def test_the_commands_of_the_page_do_what_it_says(
    stack: Running, said_of_areas: dict[str, str], tmp_path: Path
) -> None:
    """After the areas were imported, so that the page finds them unchanged and not the other way round."""
    told = said(stack, [text for name, text in chapters().items() if name != BY_A_CLOCK], tmp_path)

    assert "47 municipalities" in said_of_areas["municipalities"]
    assert [words for words in TOLD if words not in told] == []
    assert '"errors":[{' not in told
    assert told.count(": holds") == CHECKS


def test_an_order_becomes_a_statement_as_the_page_says(by_a_clock: Running, tmp_path: Path) -> None:
    found = chapters()

    told = said(by_a_clock, [found[name] for name in (*BEGINNING, BY_A_CLOCK)], tmp_path)

    assert [words for words in TOLD_OF_A_STATEMENT if words not in told] == []
    assert '"errors":[{' not in told
    assert told.count(": holds") == CHECKS
