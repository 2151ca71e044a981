"""Where the host of a web hook is, and where one may lead."""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence

from domain.notifications.addresses import Address, Network, Target

RESOLVE_S = 5


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
