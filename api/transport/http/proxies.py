"""The caller's address behind proxies: what `X-Forwarded-For` says, as far as proxies that we name have said it.

Each proxy adds whom it was called by at the end of the list. So it is read from the end, and up to the first address
that is none of ours: anything before it was written by a stranger.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from api.transport.http.bounds import PEER

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SECURE = {"http": "https", "ws": "wss"}


class Proxies:
    """An ASGI app that tells the one inside who has called."""

    def __init__(self, app: ASGIApp, trusted: Sequence[Network]) -> None:
        self.app = app
        self.trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            peer = scope.get("state", {}).get(PEER) or (scope.get("client") or (None,))[0]
            if peer is not None and self._trusts(_address(peer)):
                scope = self._seen_through(scope, peer)
            elif PEER in scope.get("state", {}):
                scope["client"] = (peer, 0) if peer is not None else None  # Whatever a server believed before us.
        await self.app(scope, receive, send)

    def _seen_through(self, scope: Scope, peer: str) -> Scope:
        address = self.caller(peer, reversed(list(_members(scope, b"x-forwarded-for"))))
        protocols = list(_members(scope, b"x-forwarded-proto"))
        is_secure = protocols[-1:] in (["https"], ["wss"])
        scheme = SECURE.get(scope["scheme"], scope["scheme"]) if is_secure else scope["scheme"]
        return {**scope, "client": (address, 0), "scheme": scheme}

    def caller(self, peer: str, hops: Iterable[str]) -> str:
        """The first address, from us outwards, that is no proxy of ours; the last one known where a hop is no address.

        `hops` are those before `peer`, the nearest first.
        """
        caller = _address(peer)
        for hop in hops:
            before = _address(hop)
            if before is None or not self._trusts(caller):
                break
            caller = before
        return peer if caller is None else str(caller)

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(
            address.version == network.version and address in network for network in self.trusted
        )


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
