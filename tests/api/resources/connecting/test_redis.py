"""Every way to a Redis that an address can name, for clients and for ARQ; and that the documented rights are enough."""

import asyncio
import contextlib
import re
import signal
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, RedisError

from api.jobs import transport
from api.resources import clocks
from api.resources.connecting import redis_addresses
from api.resources.database import connect
from api.resources.events import Hub, channel_of
from api.transport.limits.leases import buckets_in
from api.transport.terms.settings import Rate
from bin.devstack.installation import NothingInstalled, require_valkey
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent
from domain.jobs.queue import Due
from domain.jobs.words import VERIFY
from tests.api.resources.connecting.servers import ENCODED, PASSWORD, Certificates

RIGHTS = Path(__file__).parents[4] / "docs" / "operations" / "connections.md"
Open = Callable[[str], Awaitable[Redis]]
JOB = UUID(int=7)


@dataclass(frozen=True, slots=True)
class Valkey:
    port: int
    tls_port: int
    socket: Path
    directory: Path

    def url(self, user: str, *, tls: bool = False, database: int = 0, query: str = "") -> str:
        scheme, port = ("rediss", self.tls_port) if tls else ("redis", self.port)
        ca = f"ssl_ca_certs={self.directory}/ca.pem&" if tls else ""
        return f"{scheme}://{user}:{ENCODED}@localhost:{port}/{database}?{ca}{query}"


@pytest.fixture(scope="module")
async def valkey(plain_valkey: Valkey, certificates: Certificates) -> AsyncIterator[Valkey]:
    """With TLS in front of it: the one in the wheel was built without."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates.path("ca.pem"))
    context.load_cert_chain(certificates.path("server.pem"), certificates.path("server.key"))
    context.verify_mode = ssl.CERT_OPTIONAL

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(LOOPBACK, plain_valkey.port)
        writers.extend((writer, back))
        await asyncio.gather(_copied(reader, back), _copied(there, writer))

    writers: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(serve, LOOPBACK, plain_valkey.tls_port, ssl=context)
    yield plain_valkey
    server.close()
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)


async def _copied(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
    with contextlib.suppress(OSError, RuntimeError):
        target.close()


@pytest.fixture(scope="module")
def plain_valkey(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Its users are those of the document."""
    try:
        binary = require_valkey()
    except NothingInstalled as reason:
        pytest.skip(str(reason))
    directory = tmp_path_factory.mktemp("valkey")
    users = re.findall(r"^user .*$", RIGHTS.read_text(), flags=re.MULTILINE)
    written = [line.replace(">…", f'">{PASSWORD}"') for line in users]
    found = Valkey(any_free(), any_free(), directory / "socket", certificates.directory)
    (directory / "conf").write_text(
        "\n".join(
            [
                *(f"bind {LOOPBACK}", f"port {found.port}", f"unixsocket {found.socket}", 'save ""'),
                *written,
            ]
        )
    )
    with (
        (directory / "log").open("w") as log,
        subprocess.Popen(
            [str(binary), str(directory / "conf")],
            stdout=log,
            cwd=directory,
            preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
        ) as process,
    ):
        deadline = time.monotonic() + 10
        while not found.socket.exists():
            is_alive = process.poll() is None and time.monotonic() < deadline
            assert is_alive, (directory / "log").read_text()
            time.sleep(0.02)
        yield found
        process.kill()


async def of_arq(url: str) -> Redis:
    return await redis_addresses.queue(url, tries=1)


async def of_clients(url: str) -> Redis:
    return redis_addresses.connect(url)


@contextlib.asynccontextmanager
async def client(url: str) -> AsyncIterator[Redis]:
    opened = redis_addresses.connect(url)
    yield opened
    await opened.aclose()


@pytest.mark.parametrize("opened", [of_clients, of_arq])
@pytest.mark.parametrize("way", ["plain", "tls", "certified", "socket", "unverified"])
async def test_it_is_reached_as_the_address_says(valkey: Valkey, way: str, opened: Open) -> None:
    of_client = f"ssl_certfile={valkey.directory}/client.pem&ssl_keyfile={valkey.directory}/client.key"
    url = {
        "plain": valkey.url("default", database=3).replace(f"default:{ENCODED}@", ""),
        "tls": valkey.url("relay", tls=True, database=3),
        "certified": valkey.url("relay", tls=True, database=3, query=of_client),
        "unverified": f"rediss://{LOOPBACK}:{valkey.tls_port}/3?ssl_cert_reqs=none",
        "socket": f"unix://relay:{ENCODED}@{valkey.socket}?db=3",
    }[way]

    redis = await opened(url)
    await redis.hset("commonwatt:clocks", way, "1")  # type: ignore[misc]
    await redis.aclose(close_connection_pool=True)

    async with client(f"redis://{LOOPBACK}:{valkey.port}/3") as looking:
        assert await looking.hget("commonwatt:clocks", way) == b"1"  # type: ignore[misc]
        assert await looking.dbsize() == 1


@pytest.mark.parametrize("opened", [of_clients, of_arq])
@pytest.mark.parametrize("wrong", ["name", "authority", "password", "plain"])
async def test_what_cannot_be_trusted_is_not_used(valkey: Valkey, wrong: str, opened: Open) -> None:
    url = {
        "name": valkey.url("relay", tls=True).replace("localhost", LOOPBACK),
        "authority": valkey.url("relay", tls=True).replace("ca.pem", "stranger.pem"),
        "password": valkey.url("relay").replace(ENCODED, "wrong"),
        "plain": valkey.url("relay").replace(str(valkey.port), str(valkey.tls_port)),
    }[wrong]

    async def ping() -> None:
        redis = await opened(url)
        try:
            await redis.ping()
        finally:
            await redis.aclose(close_connection_pool=True)

    with pytest.raises((RedisError, OSError)):
        await ping()


@pytest.mark.parametrize("tls", [False, True])
async def test_the_documented_rights_are_enough_for_each_process_and_for_nothing_else(
    valkey: Valkey, tls: bool, database_url: str
) -> None:
    done, told = asyncio.Event(), asyncio.Event()

    async def run(job_id: UUID) -> None:
        assert job_id == JOB
        done.set()

    carrier = await transport.connect(valkey.url("relay", tls=tls))
    await transport.send(carrier, Due(JOB, VERIFY, 1 + tls, is_asked=True))
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        serving = transport.serve(valkey.url("worker", tls=tls), run, at_once=1, until=told, stop_s=1)
        group.create_task(serving)
        await done.wait()
        told.set()
    database = connect(database_url, role=None, pool=1)
    async with client(valkey.url("api", tls=tls)) as api, client(valkey.url("worker", tls=tls)) as worker:
        await _served(Hub(database, api), api, carrier)
        await _told(api, worker, carrier)
        for name, key in ((api, "arq:job:x"), (worker, "rate:x"), (carrier, "rate:x")):
            with pytest.raises(NoPermissionError):
                await name.hset(key, "x", "x")  # type: ignore[misc]
        async with client(f"redis://{LOOPBACK}:{valkey.port}") as looking:
            denied = [entry["object"] for entry in await looking.acl_log()]
            assert {_text(each) for each in denied} - {"AUTH"} == {"arq:job:x", "rate:x"} | LIBRARY
    await carrier.aclose(close_connection_pool=True)
    await database.close()


LIBRARY = {"client|setinfo"}  # redis-py says who it is, and goes on where it may not.


async def _served(hub: Hub, api: Redis, carrier: Redis) -> None:
    """What an API does: it is woken by a relay, and counts."""
    woken = asyncio.Event()
    hub.wake = lambda *streams: woken.set() if streams else None  # type: ignore[method-assign]
    listening = asyncio.create_task(hub.listen())
    async with asyncio.timeout(30):
        while not woken.is_set():
            await carrier.publish(channel_of("x"), "1")
            await asyncio.sleep(0.01)
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    assert (await buckets_in(api).take("x", Rate(10, 1.0), 1)).is_granted
    assert await api.ping()


async def _told(api: Redis, *others: Redis) -> None:
    """Workers and relays tell of their clocks, and an API reads and forgets them."""
    telling = [asyncio.create_task(clocks.tell(other, f"process {number}")) for number, other in enumerate(others)]
    async with asyncio.timeout(30):
        while (await clocks.told(api)).alive.total() < len(others):
            await asyncio.sleep(0.01)
    for task in telling:
        task.cancel()
    await api.hdel(clocks.CLOCKS, "x")  # type: ignore[misc]


def _text(said: object) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)
