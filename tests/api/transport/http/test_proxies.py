"""Who has called, behind proxies of ours and behind what strangers say."""

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from api.transport.http.proxies import Proxies
from api.transport.terms.identity import network_of

OURS = tuple(map(ip_network, ("10.0.0.0/8", "fd00::/8")))


async def seen(peer: str, *forwarded: str, protocol: str | None = None) -> tuple[str, str]:
    """Address and scheme as the application sees them."""
    found: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    headers += [] if protocol is None else [(b"x-forwarded-proto", protocol.encode())]
    unused: Any = None
    await Proxies(inner, OURS)(
        {"type": "http", "scheme": "http", "client": (peer, 1), "headers": headers}, unused, unused
    )
    return found[0]["client"][0], found[0]["scheme"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("192.0.2.7", ["198.51.100.1"], "192.0.2.7"),  # A stranger may say what it likes.
        ("127.0.0.1", ["198.51.100.1"], "127.0.0.1"),  # So may what runs beside us, unless it is named.
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", ["1.1.1.1", "198.51.100.1", "10.0.0.2"], "198.51.100.1"),  # One list in several headers.
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
        ("fd00::1", ["[2001:db8::7]:443"], "2001:db8::7"),
        ("fd00::1", ['"[2001:db8::7]"'], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),  # Nobody knows who is before it.
        ("10.0.0.1", ["198.51.100.1, , 10.0.0.2"], "10.0.0.2"),
    ],
)
async def test_the_caller_is_the_first_address_that_is_no_proxy_of_ours(
    peer: str, forwarded: list[str], caller: str
) -> None:
    assert (await seen(peer, *forwarded))[0] == caller


@given(st.lists(st.ip_addresses().filter(lambda ip: not any(ip in n for n in OURS if n.version == ip.version))))
def test_what_a_stranger_writes_before_itself_changes_nothing(written: list[Any]) -> None:
    hops = ["10.0.0.2", "198.51.100.1", *map(str, written)]  # From us outwards.

    assert Proxies(None, OURS).caller("10.0.0.1", hops) == "198.51.100.1"  # type: ignore[arg-type]


async def test_only_a_proxy_of_ours_tells_of_tls() -> None:
    assert (await seen("10.0.0.1", "198.51.100.1", protocol="https"))[1] == "https"
    assert (await seen("192.0.2.7", "198.51.100.1", protocol="https"))[1] == "http"


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),  # Otherwise all of version 4 would be one household.
        ("64:ff9b::192.0.2.1", "192.0.2.1"),
        ("2001:db8::7", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
    ],
)
def test_attempts_are_counted_by_household(address: str, network: str) -> None:
    assert network_of(address) == network
