"""Who has called, behind proxies of ours and behind what strangers say."""

from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send

from api.transport.http.bounds import PEER
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


async def test_a_header_that_is_not_believed_is_warned_of_once_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = 1000.0
    monkeypatch.setattr("api.transport.http.proxies.time", SimpleNamespace(monotonic=lambda: now_s))

    async def inner(scope: Scope, receive: Receive, send: Send) -> None: ...

    proxies, unused = Proxies(inner, OURS), Mock()
    header = [(b"x-forwarded-for", b"198.51.100.77")]
    for after_s in (0, 1, 30, 61):
        now_s = 1000.0 + after_s
        for peer in ("192.0.2.7", "10.0.0.1"):
            await proxies({"type": "http", "scheme": "http", "client": (peer, 1), "headers": header}, unused, unused)
    await proxies({"type": "http", "scheme": "http", "client": ("192.0.2.7", 1), "headers": []}, unused, unused)

    said = [record.getMessage() for record in caplog.records]
    assert [(line.split()[3], "192.0.2.0/24" in line) for line in said] == [("1", True), ("3", True)]
    assert "198.51.100.77" not in caplog.text
    assert "COMMONWATT_TRUSTED_PROXIES" in caplog.text


@pytest.mark.parametrize(
    ("server", "caller"), [(("/run/commonwatt.sock", None), ("198.51.100.1", 0)), (("127.0.0.1", 8000), None)]
)
async def test_who_comes_by_our_unix_socket_is_believed(server: Any, caller: Any) -> None:
    """Of a connection that is lost already no address is known either."""
    found: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        found.append(scope)

    header = [(b"x-forwarded-for", b"1.1.1.1, 198.51.100.1")]
    scope = {"type": "http", "scheme": "http", "client": None, "server": server, "headers": header}
    await Proxies(inner, OURS)({**scope, "state": {PEER: None}}, Mock(), Mock())

    assert found[0]["client"] == caller
