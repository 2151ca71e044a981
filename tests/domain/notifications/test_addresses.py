"""Where web hooks may lead."""

from ipaddress import ip_address, ip_network

import pytest

from domain.notifications.addresses import PrivateAddress, Target, UrlRefused, is_public, pinned, target_of

PUBLIC = ip_address("93.184.216.34")
LOOPBACK = ip_address("127.0.0.1")
ALLOWED = [ip_network("127.0.0.0/8")]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org", Target(True, "example.org", 443, "/")),
        ("https://Example.ORG:8443/a/b?c=d", Target(True, "example.org", 8443, "/a/b?c=d")),
        ("http://example.org/", Target(False, "example.org", 80, "/")),
        ("https://[2606:2800:220:1::1]/x", Target(True, "2606:2800:220:1::1", 443, "/x")),
        ("https://xn--bcher-kva.example/", Target(True, "xn--bcher-kva.example", 443, "/")),
    ],
)
def test_addresses_are_taken_apart(url: str, expected: Target) -> None:
    assert target_of(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user@example.org/",
        "https://user:password@example.org/",
        "https://example.org/#fragment",
        "https://example.org/a b",
        "https://example.org/\r\nhost: inside",
        "https://example.org\\@127.0.0.1/",
        "https://bücher.example/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org:x/",
        "https://[::1/",
        "https://[fe80::1%25eth0]/",
        "https://-example.org/",
        "https://a..b/",
        "https://example.org/" + "x" * 2_000,
        "https://example.org/\x00",
    ],
)
def test_texts_that_are_no_address_are_refused(url: str) -> None:
    with pytest.raises(UrlRefused):
        target_of(url)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.170",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456:789a::1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:2800:220:1::1%eth0",
        "fec0::1",
        "ff02::1",
    ],
)
def test_private_and_reserved_addresses_are_refused(address: str) -> None:
    found = ip_address(address)

    assert not is_public(found)
    with pytest.raises(PrivateAddress) as refused:
        pinned(target_of("https://inside.example/"), [found], ())
    assert refused.value.host == "inside.example"


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "172.32.0.1", "100.128.0.1", "2606:2800:220:1::1", "::ffff:93.184.216.34"]
)
def test_public_addresses_are_taken(address: str) -> None:
    found = ip_address(address)

    assert pinned(target_of("https://example.org/"), [found], ()) == found


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(PrivateAddress):
        pinned(target_of("https://example.org/"), [PUBLIC, LOOPBACK], ())


def test_a_host_that_does_not_resolve_is_refused() -> None:
    """As one of our own network is, so that nobody learns which names are there."""
    with pytest.raises(PrivateAddress) as unknown:
        pinned(target_of("https://example.org/"), [], ALLOWED)
    with pytest.raises(PrivateAddress) as private:
        pinned(target_of("https://example.org/"), [ip_address("10.0.0.1")], ALLOWED)
    assert str(unknown.value) == str(private.value)


def test_allowed_networks_are_reached_also_without_tls() -> None:
    assert pinned(target_of("http://localhost:8080/"), [LOOPBACK], ALLOWED) == LOOPBACK
    mapped = ip_address("::ffff:127.0.0.1")
    assert pinned(target_of("https://localhost/"), [mapped], ALLOWED) == mapped


def test_public_hosts_are_reached_by_tls_only() -> None:
    with pytest.raises(UrlRefused, match="must begin with https"):
        pinned(target_of("http://example.org/"), [PUBLIC], ALLOWED)


@pytest.mark.parametrize(
    ("url", "address", "expected"),
    [
        ("https://example.org/a?b", "93.184.216.34", "https://93.184.216.34:443/a?b"),
        ("http://example.org:81", "2606:2800:220:1::1", "http://[2606:2800:220:1::1]:81/"),
    ],
)
def test_the_address_stands_in_the_place_of_the_name(url: str, address: str, expected: str) -> None:
    assert target_of(url).at(ip_address(address)) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/", "example.org"),
        ("https://example.org:443/", "example.org"),
        ("https://example.org:8443/", "example.org:8443"),
        ("http://[2606:2800:220:1::1]:81/", "[2606:2800:220:1::1]:81"),
    ],
)
def test_the_header_names_the_host(url: str, expected: str) -> None:
    assert target_of(url).authority == expected
