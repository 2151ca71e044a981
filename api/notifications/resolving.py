"""Where the host of a web hook is, and where one may lead."""

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from domain.notifications.addresses import Address, Network, PrivateAddress, Target

RESOLVE_S = 3


class Reach:
    """Networks that web hooks may reach although they are private, also without TLS; set where a process starts."""

    allowed: Sequence[Network] = ()


async def addresses_of(target: Target) -> Sequence[Address]:
    """All addresses of a host, none where its name does not resolve in time."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_S):
            found = await loop.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    # A scope such as that of fe80::1%eth0 is kept, so that it is refused.
    return [ipaddress.ip_address(place[0]) for *_, place in found]


@asynccontextmanager
async def refusing_steadily(target: Target) -> AsyncIterator[None]:
    """Hosts are refused after one and the same time: how long a name took would tell whether our network has it."""
    began = asyncio.get_running_loop().time()
    try:
        yield
    except PrivateAddress:
        if not _is_address(target.host):
            await asyncio.sleep(began + RESOLVE_S - asyncio.get_running_loop().time())
        raise


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
