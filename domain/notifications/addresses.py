"""Where a web hook may lead: https addresses of hosts on the public Internet, and networks that a setting allows."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import TypeAlias
from urllib.parse import urlsplit

from domain.kernel.errors import DomainError

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

URL_MAX = 2_000
PORTS = {"https": 443, "http": 80}
PRINTED = re.compile(r"[!-\[\]-~]+")  # ASCII without blanks and backslashes, which programs read differently.
HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?")

# IANA special-purpose registries, and multicast: no host that a stranger may send us to. Checked 2026-11-21.
REFUSED_4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # This network.
            "10.0.0.0/8",  # Private.
            "100.64.0.0/10",  # Shared by a carrier.
            "127.0.0.0/8",  # Loopback.
            "169.254.0.0/16",  # Link-local, the metadata of clouds among it.
            "172.16.0.0/12",  # Private.
            "192.0.0.0/24",  # Protocol assignments.
            "192.0.2.0/24",  # Documentation.
            "192.31.196.0/24",  # AS112.
            "192.52.193.0/24",  # AMT.
            "192.88.99.0/24",  # 6to4 relays.
            "192.168.0.0/16",  # Private.
            "192.175.48.0/24",  # AS112.
            "198.18.0.0/15",  # Benchmarks.
            "198.51.100.0/24",  # Documentation.
            "203.0.113.0/24",  # Documentation.
            "224.0.0.0/4",  # Multicast.
            "240.0.0.0/4",  # Reserved, and broadcast.
        ),
    )
)
PUBLIC_6 = IPv6Network("2000::/3")  # All that is assigned for use on the Internet.
REFUSED_6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # Protocol assignments, Teredo among it.
            "2001:db8::/32",  # Documentation.
            "2002::/16",  # 6to4, which leads to any address of version 4.
            "2620:4f:8000::/48",  # AS112.
            "3fff::/20",  # Documentation.
        ),
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


class UrlRefused(DomainError):
    """The text is no address that a web hook may have."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)


class PrivateAddress(DomainError):
    """The host is, or also is, at an address that is not on the public Internet, or at none.

    Which of these is not told: names of our own network are nobody's business.
    """

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not a host on the public Internet.")
        self.host = host


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart: everything that a request needs but where the host is."""

    is_secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as the header Host names them."""
        shown = f"[{self.host}]" if ":" in self.host else self.host
        return shown if self.port == PORTS["https" if self.is_secure else "http"] else f"{shown}:{self.port}"

    def at(self, address: Address) -> str:
        """The URL with the host's address in the place of its name."""
        shown = f"[{address}]" if address.version == 6 else str(address)
        return f"{'https' if self.is_secure else 'http'}://{shown}:{self.port}{self.path}"


def target_of(url: str) -> Target:
    """Take an address apart. Raises UrlRefused."""
    if len(url) > URL_MAX or not PRINTED.fullmatch(url):
        raise UrlRefused(f"An address has 1 to {URL_MAX} printable ASCII characters, no blanks and no backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UrlRefused("This is not an address.") from error
    host = parts.hostname or ""
    if parts.scheme not in PORTS:
        raise UrlRefused("The address must begin with https://.")
    if "@" in parts.netloc or parts.fragment:
        raise UrlRefused("An address holds neither a user's name nor a fragment.")
    if port == 0 or not (HOST.fullmatch(host) or _is_version_6(host)):
        raise UrlRefused("The address names no host; names beyond ASCII are written in punycode.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme == "https", host, port or PORTS[parts.scheme], path)


def pinned(target: Target, found: Sequence[Address], allowed: Sequence[Network]) -> Address:
    """The address to connect to, of all that the host's name resolves to. Raises UrlRefused, PrivateAddress.

    One private address among them is enough to refuse the host. Without TLS only allowed networks are reached.
    """
    if not found or not all(_is_in(address, allowed) or is_public(address) for address in found):
        raise PrivateAddress(target.host)
    if not target.is_secure and not all(_is_in(address, allowed) for address in found):
        raise UrlRefused("The address must begin with https://.")
    return found[0]


def is_public(address: Address) -> bool:
    """Whether an address is on the public Internet; one of version 4 inside of one of version 6 is what counts."""
    inner = _inner(address)
    if isinstance(inner, IPv4Address):
        return not any(inner in network for network in REFUSED_4)
    return inner in PUBLIC_6 and not any(inner in network for network in REFUSED_6)


def _inner(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address.scope_id is not None:
        return IPv6Address("::")
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    inner = _inner(address)
    return any(inner.version == network.version and inner in network for network in networks)


def _is_version_6(host: str) -> bool:
    try:
        return ipaddress.IPv6Address(host).scope_id is None
    except ValueError:
        return False
