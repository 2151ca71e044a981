"""Headers without end and requests that are half sent: others are served meanwhile, and connections end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

from tests.attacks.site import Outcome, Site, compare

ENDLESS = 3
ENDLESS_BYTES = 60_000_000
PIECE = b"a" * 60_000
HALF_SENT = 200
HALF_S = 20.0  # After which a request may no longer be half sent: ten seconds, and some to look.
IDLE_S = 40.0  # After which a body may no longer trickle.
GROWTH_MIB_MAX = 60.0
HEAD = b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: "
BODY = b"POST /v1/readings HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"


async def attack(site: Site) -> Outcome:
    """Health and memory while headers do not end; connections half a minute after their halves."""
    outcome = Outcome()
    before_mib = _resident_mib(site)

    async def healthy() -> None:
        assert (await site.http.get(f"{site.stack.url}/healthz")).status_code == 200

    await compare(outcome, {"/healthz": healthy}, lambda: [_endless(site) for _ in range(ENDLESS)], count=1000)
    outcome.tell("memory of the API grew by", _resident_mib(site) - before_mib, GROWTH_MIB_MAX, "MiB")
    for what, begin, wait_s in (("requests half sent", HEAD, HALF_S), ("bodies that trickle", BODY, IDLE_S)):
        open_ = await _still_open(site, begin, wait_s)
        outcome.tell(f"{HALF_SENT} {what}, still open after {wait_s:.0f} s", open_, 0, "connections")
    return outcome


async def _endless(site: Site) -> None:
    """Send headers for ever, on one connection after another."""
    while True:
        async with _connection(site) as (reader, writer):
            writer.write(HEAD)
            for _ in range(ENDLESS_BYTES // len(PIECE)):
                writer.write(PIECE)
                await writer.drain()
            await reader.read(1)
        await asyncio.sleep(0.1)


async def _still_open(site: Site, begin: bytes, wait_s: float) -> int:
    """How many connections are open after a time in which each sent a byte a second."""
    return sum(await asyncio.gather(*(_trickle(site, begin, wait_s) for _ in range(HALF_SENT))))


async def _trickle(site: Site, begin: bytes, wait_s: float) -> bool:
    async with _connection(site) as (reader, writer):
        writer.write(begin)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                ended = asyncio.create_task(reader.read())
                while not ended.done():
                    writer.write(b"a")
                    await writer.drain()
                    await asyncio.sleep(1)
                return False
        return True
    return False


@contextlib.asynccontextmanager
async def _connection(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection; that the server ends it is what is hoped for."""
    place = urlsplit(site.stack.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    with contextlib.suppress(ConnectionError):
        yield reader, writer
    writer.close()


def _resident_mib(site: Site) -> float:
    """Of the process of the API."""
    lines = Path(f"/proc/{site.stack.process_id('api')}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024
