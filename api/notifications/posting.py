"""Posts to web hooks: signed, to an address that was looked at, and of the answer nothing but its status is kept."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import cache

import httpx2

from api.notifications import resolving
from domain.notifications import signatures
from domain.notifications.addresses import Address, Network, PrivateAddress, Target, UrlRefused, pinned
from domain.notifications.attempts import Result
from domain.notifications.tables import NotificationOutcome
from domain.notifications.webhooks import Receiver

TIMEOUT_S = 10
ANSWER_MAX = 64 * 1024  # Bytes that are read and forgotten, so that the connection serves the next post.
GONE = 410

Resolve = Callable[[Target], Awaitable[Sequence[Address]]]


@cache
def _trusted() -> ssl.SSLContext:
    return httpx2.create_ssl_context(trust_env=False)


class Post:
    """Posts to one receiver, over a connection of its own: TLS was proven for this host and serves no other."""

    def __init__(
        self, client: httpx2.AsyncClient, receiver: Receiver, allowed: Sequence[Network], resolve: Resolve
    ) -> None:
        self.client = client
        self.receiver = receiver
        self.allowed = allowed
        self.resolve = resolve

    async def send(self, id: str, body: bytes, *, now: datetime) -> Result:
        """One signed post. The host is resolved once, and what was looked at is what is connected to."""
        target = self.receiver.target
        found = await self.resolve(target)
        try:
            address = pinned(target, found, self.allowed)
        except (PrivateAddress, UrlRefused):
            return Result(NotificationOutcome.ADDRESS_REFUSED)
        headers = {
            "host": target.authority,
            "content-type": "application/json",
            "user-agent": "Commonwatt",
            **signatures.headers(self.receiver.secrets, id, body, now=now),
        }
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._status(target.at(address), headers, body)
        except (TimeoutError, httpx2.TimeoutException):
            return Result(NotificationOutcome.TIMED_OUT)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError):
            return Result(NotificationOutcome.UNREACHABLE)
        if 200 <= status < 300:
            return Result(NotificationOutcome.ACKNOWLEDGED, status)
        return Result(NotificationOutcome.REJECTED, status, is_final=status == GONE)

    async def _status(self, url: str, headers: dict[str, str], body: bytes) -> int:
        named = {"sni_hostname": self.receiver.target.host}
        async with self.client.stream("POST", url, content=body, headers=headers, extensions=named) as answer:
            size = 0
            async for part in answer.aiter_raw():
                size += len(part)
                if size > ANSWER_MAX:
                    break
            return answer.status_code


@asynccontextmanager
async def posting_to(
    receiver: Receiver, allowed: Sequence[Network], resolve: Resolve = resolving.addresses_of
) -> AsyncIterator[Post]:
    """Posts to a receiver. No proxy of the environment is used, as it would resolve the host again."""
    async with httpx2.AsyncClient(
        verify=_trusted(), trust_env=False, follow_redirects=False, timeout=TIMEOUT_S
    ) as client:
        yield Post(client, receiver, allowed, resolve)
