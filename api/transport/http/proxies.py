"""The caller's address behind proxies: what `X-Forwarded-For` says, as far as proxies that we name have said it.

Each proxy adds whom it was called by at the end of the list. So it is read from the end, and up to the first address
that is none of ours: anything before it was written by a stranger.

Where somebody who is no proxy of ours says on whose behalf they call, the setting may have been forgotten, and all who
come through a proxy are one caller. So it is warned of, by the network that called and nothing that it said.
"""

import logging
import math
import time
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.http.bounds import PEER

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

logger = logging.getLogger("commonwatt.proxies")
WARN_EVERY_S = 60.0
FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto"})
UNBELIEVED = (
    "X-Forwarded headers of %d request(s) are not believed, the last from %s: where that is a proxy, name it in "
    "COMMONWATT_TRUSTED_PROXIES"
)

SECURE = {"http": "https", "ws": "wss"}


class Proxies:
    """An ASGI app that tells the one inside who has called."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self.app = app
        self.trusted = trusted
        self._unbelieved = 0  # Since it was last warned of.
        self._warned_s = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            peer = scope.get("state", {}).get(PEER) or (scope.get("client") or (None,))[0]
            is_forwarded = _is_forwarded(scope)
            if is_forwarded and (self._trusts(_address(peer)) if peer else _is_unix(scope)):
                scope = self._seen_through(scope, peer)
            else:
                if is_forwarded:
                    self._doubt(peer)
                if PEER in scope.get("state", {}):
                    scope["client"] = (peer, 0) if peer is not None else None  # Whatever a server believed before us.
        await self.app(scope, receive, send)

    def _doubt(self, peer: str | None) -> None:
        """Warn of a header that is not believed, once and then once a minute at most."""
        self._unbelieved += 1
        now_s = time.monotonic()
        if now_s - self._warned_s >= WARN_EVERY_S:
            logger.warning(UNBELIEVED, self._unbelieved, _network_of(peer))
            self._unbelieved, self._warned_s = 0, now_s

    def _seen_through(self, scope: Scope, peer: str | None) -> Scope:
        address = self.caller(peer, reversed(list(_members(scope, b"x-forwarded-for"))))
        protocols = list(_members(scope, b"x-forwarded-proto"))
        is_secure = protocols[-1:] in (["https"], ["wss"])
        scheme = SECURE.get(scope["scheme"], scope["scheme"]) if is_secure else scope["scheme"]
        return {**scope, "client": address and (address, 0), "scheme": scheme}

    def caller(self, peer: str | None, hops: Iterable[str]) -> str | None:
        """The first address, from us outwards, that is no proxy of ours; the last one known where a hop is no address.

        `hops` are those before `peer`, the nearest first. A peer without an address has come by our unix socket.
        """
        caller = _address(peer) if peer else None
        for hop in hops:
            before = _address(hop)
            if before is None or not (caller is None or self._trusts(caller)):
                break
            caller = before
        return peer if caller is None else str(caller)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self.trusted
        )


def _is_forwarded(scope: Scope) -> bool:
    """Whether anybody says on whose behalf they call; most do not, and their addresses need not be read."""
    for name, _ in scope["headers"]:  # noqa: SIM110 (in every request, and half as dear as `any`)
        if name in FORWARDED:
            return True
    return False


def _is_unix(scope: Scope) -> bool:
    """Whether a request came by our unix socket: who may open that is for the rights of files to say."""
    return PEER in scope.get("state", {}) and (scope.get("server") or ("", 0))[1] is None


def _network_of(peer: str | None) -> str:
    """As much of an address as tells an operator of which machines it is."""
    address = _address(peer or "")
    if address is None:
        return "an unknown place"
    return str(ip_network((address, 24 if address.version == 4 else 64), strict=False))


def _members(scope: Scope, name: bytes) -> Iterable[str]:
    """The members of a list that may come in several headers."""
    for key, value in scope["headers"]:
        if key == name:
            yield from (member.strip() for member in value.decode("latin-1").split(","))


def _address(text: str) -> Address | None:
    """The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:80`."""
    bare = text.strip().strip('"')
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
