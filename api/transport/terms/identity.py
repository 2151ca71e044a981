"""Who asks: what the transport needs to know of a viewer, and where requests say it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Protocol

from starlette.requests import HTTPConnection

from api.transport.terms.errors import Unauthenticated

NO_ADDRESS = "unknown"
NAT64 = IPv6Network("64:ff9b::/96")
KEYS_MAX = 10_000
_keys: dict[int, tuple["Viewer", str]] = {}  # By identity: a viewer's own hash costs more than its key.


class Viewer(Protocol):
    """A person, an application or nobody."""

    @property
    def key(self) -> str:
        """Steady and unique per token or account; names buckets and caps, never shown."""

    @property
    def is_anonymous(self) -> bool: ...

    @property
    def is_admin(self) -> bool: ...

    @property
    def expires_at(self) -> datetime | None:
        """When the token ends, aware; sockets and streams are closed then."""


# Called with the bearer token, if any, and the caller's address. Raises Unauthenticated for a token it does not accept.
Authenticate = Callable[[str | None, str], Awaitable[Viewer]]
# Makes the context of one operation: loaders and caches in it are never shared between operations.
MakeContext = Callable[[HTTPConnection, Any], object]


def bearer_token(authorization: object) -> str | None:
    """The token of an Authorization value; None when there is none. Raises Unauthenticated for another scheme."""
    if authorization is None or authorization == "":
        return None
    scheme, _, token = str(authorization).partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The authorization must read 'Bearer <token>'.")
    return token.strip()


def token_of_connection_params(payload: Mapping[str, object], header: str | None) -> str | None:
    """The token of a socket: from connection_init as browsers cannot set headers, else from the handshake."""
    return bearer_token(payload.get("authorization") or payload.get("Authorization") or header)


def address_of(connection: HTTPConnection) -> str:
    """The caller's address; `http.proxies` has put the one behind proxies of ours here."""
    return connection.client.host if connection.client else NO_ADDRESS


def bucket_key(viewer: Viewer, address: str) -> str:
    """Under which name a viewer's budget and caps are kept: the viewer's own, or the address of nobody."""
    return key_of_address(address) if viewer.is_anonymous else f"viewer:{key_of(viewer)}"


def key_of_address(address: str) -> str:
    """Under which name the budget and caps of nobody at an address are kept."""
    return f"address:{network_of(address)}"


def key_of(viewer: Viewer) -> str:
    """The viewer's key, made once for as long as the viewer is kept."""
    known = _keys.get(id(viewer))
    if known is not None and known[0] is viewer:
        return known[1]
    if len(_keys) >= KEYS_MAX:
        _keys.clear()
    key = viewer.key
    _keys[id(viewer)] = viewer, key
    return key


@lru_cache(maxsize=10_000)
def network_of(address: str) -> str:
    """The address, for IPv6 its /64: one household owns all of those. One of version 4 inside of it is that one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed in NAT64:
        return str(IPv4Address(int(parsed) & 0xFFFFFFFF))
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else address
