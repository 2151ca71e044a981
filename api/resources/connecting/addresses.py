"""DATABASE_URL: what it may say, and the one place where connections to PostgreSQL are made by it.

It is written as for libpq: several hosts, TLS, what kind of session is wanted. Whatever is not understood, or names a
file that cannot be read, is refused when it is read, by the name of the parameter; nothing is left to a server to
ignore. Decision, 2026-12-01: hosts and ways of encryption are tried here and not by asyncpg, which gives all hosts one
timeout together, so that one that is silent keeps the others from being asked, and looks for files in a home that the
user of a service may not enter.
"""

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote

import asyncpg
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from api.resources.terms import DatabaseUnreachable

SCHEMES = ("postgresql", "postgres", "postgresql+asyncpg")
PORT = 5432
CONNECT_S = 5.0  # For all hosts together, where the address says nothing of each.
ALIASES = {"database": "dbname", "ssl": "sslmode"}
ENCRYPTED, VERIFIED = ("require", "verify-ca", "verify-full"), ("verify-ca", "verify-full")
WRITING, STANDBY_FIRST = ("read-write", "primary"), "prefer-standby"
VERSIONS = ("TLSv1.2", "TLSv1.3")

# What a parameter may be; None for any text. Its variable speaks where the address does not, as with libpq.
PARAMETERS: Mapping[str, tuple[str, ...] | None] = MappingProxyType(
    {
        **dict.fromkeys(("host", "port", "user", "password", "passfile", "dbname", "connect_timeout")),
        **dict.fromkeys(("application_name", "options", "sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl")),
        "sslmode": ("disable", "allow", "prefer", *ENCRYPTED),
        "sslnegotiation": ("postgres", "direct"),
        "ssl_min_protocol_version": VERSIONS,
        "ssl_max_protocol_version": VERSIONS,
        "target_session_attrs": ("any", *WRITING, "read-only", "standby", STANDBY_FIRST),
        "gssencmode": ("disable", "prefer"),
        "channel_binding": ("disable", "prefer"),
    }
)
VARIABLES = {
    name: f"PG{name.upper().replace('_', '')}"
    for name in ("sslmode", "sslrootcert", "sslcert", "sslkey", "sslcrl", "target_session_attrs")
}


class WrongAddress(ValueError):
    """An address that cannot be meant; the message names the parameter and never says a value that may be secret."""


# Where another host may do better: this one is silent, starts or stops, or is of another kind.
NEXT = (
    WrongAddress,
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.InternalClientError,
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is, how it is reached, and as whom."""

    hosts: tuple[tuple[str | None, int | None], ...]
    said: Mapping[str, str] = field(repr=False)
    _last: list[int] = field(default_factory=lambda: [0], repr=False, compare=False)

    @property
    def session(self) -> str:
        return self.said.get("target_session_attrs", "any")

    @property
    def mode(self) -> str:
        return self.said.get("sslmode") or ("verify-full" if self.said.get("sslrootcert") == "system" else "prefer")

    def for_reading(self) -> "Address":
        """The same server, where we say ourselves that nothing is to be written."""
        return replace(self, said={**self.said, "target_session_attrs": "primary"}) if self.session in WRITING else self

    def is_wrong(self, connection: asyncpg.Connection) -> bool:
        """Whether an open connection has become one that was not asked for; the server says so by itself."""
        if self.session not in WRITING:
            return False
        told = connection.get_settings()
        is_read_only = self.session == "read-write" and getattr(told, "default_transaction_read_only", "off") == "on"
        return is_read_only or getattr(told, "in_hot_standby", "off") == "on"

    async def connect(self, **more: Any) -> asyncpg.Connection:
        """A connection to the first host that is as asked for. Raises DatabaseUnreachable, or what a server says."""
        refusal: Exception | None = None
        arguments = {
            **self._login(),
            **more,
            "server_settings": {**more.get("server_settings", {}), **self._settings()},
        }
        for session in ("standby", "any") if self.session == STANDBY_FIRST else (self.session,):
            for number in self._order():
                try:
                    connection = await self._connected(*self.hosts[number], target_session_attrs=session, **arguments)
                except NEXT as error:
                    refusal = error
                else:
                    self._last[0] = number
                    return connection
        raise DatabaseUnreachable(f"No server lets us in: {refusal or type(refusal).__name__}") from refusal

    async def _connected(self, host: str | None, port: int | None, **arguments: Any) -> asyncpg.Connection:
        """To one host, encrypted or not, as may be."""
        ways = list(self._ways(host))
        while True:
            way = ways.pop(0)
            try:
                return await asyncpg.connect(host=host, port=port, ssl=way, **arguments)
            except (ConnectionRefusedError, TimeoutError):
                raise
            except (OSError, asyncpg.InvalidAuthorizationSpecificationError):
                if not ways:
                    raise

    def _ways(self, host: str | None) -> Iterator[ssl.SSLContext | bool]:
        is_socket = host is None or host.startswith("/")
        if self.mode in ("disable", "allow") or is_socket:
            yield False
        if self.mode != "disable" and not is_socket:
            yield self.context()
        if self.mode == "prefer" and not is_socket:
            yield False

    def _order(self) -> list[int]:
        """The host that was the right one goes first, so that one that died costs its timeout once."""
        first = self._last[0] if self.session in WRITING else 0
        return sorted(range(len(self.hosts)), key=lambda number: number != first)

    def _login(self) -> dict[str, Any]:
        said = {"user": "user", "password": "password", "dbname": "database", "passfile": "passfile"}
        login: dict[str, Any] = {argument: self.said[name] for name, argument in said.items() if name in self.said}
        seconds = float(self.said.get("connect_timeout") or 0)
        login["timeout"] = seconds or max(1.0, CONNECT_S / len(self.hosts))
        if self.said.get("sslnegotiation") == "direct":
            login["direct_tls"] = True
        return login

    def _settings(self) -> dict[str, str]:
        return {name: self.said[name] for name in ("application_name", "options") if name in self.said}

    def context(self) -> ssl.SSLContext:
        """How TLS is spoken. Raises WrongAddress for a file that cannot be read; certificates may be renewed."""
        context, root = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), self.said.get("sslrootcert")
        context.check_hostname = self.mode == "verify-full"
        is_verified = self.mode in VERIFIED or (self.mode == "require" and root is not None)
        context.verify_mode = ssl.CERT_REQUIRED if is_verified else ssl.CERT_NONE
        context.minimum_version = _version(self.said.get("ssl_min_protocol_version", VERSIONS[0]))
        context.maximum_version = _version(self.said.get("ssl_max_protocol_version", VERSIONS[-1]))
        context.set_alpn_protocols(["postgresql"])
        key, secret = self.said.get("sslkey"), self.said.get("sslpassword", "")
        steps: dict[str, Callable[[str], None]] = {
            "sslrootcert": lambda path: _trust(context, path),
            "sslcrl": lambda path: _revoke(context, path),
            "sslcert": lambda path: context.load_cert_chain(path, key, lambda: secret),
        }
        for name, load in steps.items():
            try:
                if (path := self.said.get(name)) is not None:
                    load(path)
            except OSError as error:
                also = " and sslkey" if name == "sslcert" and key else ""
                raise WrongAddress(f"{name}{also} cannot be read: {error.strerror or error}") from error
        return context


def read(url: str) -> Address:
    """An address from its text. Raises WrongAddress."""
    scheme, separator, rest = url.partition("://")
    if scheme not in SCHEMES or not separator:
        raise WrongAddress("it begins with postgresql://, as in postgresql://user:password@host:5432/database")
    place, _, query = rest.partition("?")
    place, _, name = place.partition("/")
    login, _, servers = place.rpartition("@")
    user, _, password = login.partition(":")
    said = {"user": unquote(user), "password": unquote(password), "dbname": unquote(name)}
    said = {name: os.environ.get(variable, "") for name, variable in VARIABLES.items()} | said
    said = {name: value for name, value in said.items() if value}
    hosts = [*_hosts(servers)]
    for parameter, value in _parameters(query):
        if parameter == "host":
            hosts += _hosts(value)
        else:
            said[parameter] = value
    address = Address(_with_ports(hosts, said.pop("port", "")), MappingProxyType(said))
    _check(address)
    return address


def engine(address: Address, driver: str = "asyncpg", **options: Any) -> AsyncEngine:
    """SQLAlchemy on connections of an address, without those that are no longer as they were asked for."""
    arguments = {**options.pop("connect_args", {}), "async_creator_fn": address.connect}
    made = create_async_engine(f"postgresql+{driver}://", connect_args=arguments, **options)

    @event.listens_for(made.sync_engine, "checkout")
    def look(connection: Any, record: Any, proxy: Any) -> None:
        if address.is_wrong(connection.driver_connection):
            raise DisconnectionError("The server can only be read now.")

    return made


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, query.split("&")):
        written, _, value = part.partition("=")
        name = ALIASES.get(unquote(written), unquote(written))
        if name not in PARAMETERS:
            raise WrongAddress(f"{name} is no parameter that is understood")
        choices = PARAMETERS[name]
        if choices is not None and unquote(value) not in choices:
            raise WrongAddress(f"{name} is one of {', '.join(choices)}")
        yield name, unquote(value)


def _hosts(text: str) -> Iterator[tuple[str, int | None]]:
    """Hosts, each with its port or None: `host:5432`, `[::1]:5432`, `/directory/of/socket`."""
    for place in filter(None, text.split(",")):
        host, separator, port = place.rpartition(":")
        is_address = host.count(":") and not host.endswith("]")
        if not separator or port.endswith("]") or place.startswith("/") or is_address:
            host, port = place, ""
        yield unquote(host.strip("[]")), _port(port) if port else None


def _with_ports(hosts: list[tuple[str, int | None]], ports: str) -> tuple[tuple[str | None, int | None], ...]:
    """Each host with its port: its own, the one of its place among `ports`, or the only one there."""
    listed = [_port(port) if port else None for port in ports.split(",")] if ports else [None]
    if len(listed) not in (1, max(1, len(hosts))):
        raise WrongAddress("port names as many as there are hosts, or one")
    if not hosts:
        return ((None, listed[0]),)
    listed *= len(hosts) if len(listed) == 1 else 1
    return tuple((host, own or port or PORT) for (host, own), port in zip(hosts, listed, strict=True))


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise WrongAddress("port is a number up to 65535")
    return int(text)


def _check(address: Address) -> None:
    seconds = address.said.get("connect_timeout", "0")
    if not seconds.isdecimal():
        raise WrongAddress("connect_timeout is a number of seconds")
    root = address.said.get("sslrootcert")
    if address.mode in VERIFIED and root is None:
        raise WrongAddress(f"sslmode={address.mode} needs sslrootcert: a file, or system")
    if root == "system" and address.mode != "verify-full":
        raise WrongAddress("sslrootcert=system needs sslmode=verify-full")
    if address.said.get("sslkey") and not address.said.get("sslcert"):
        raise WrongAddress("sslkey needs sslcert")
    if address.said.get("sslnegotiation") == "direct" and address.mode not in ENCRYPTED:
        raise WrongAddress("sslnegotiation=direct needs sslmode=require or more")
    if address.mode != "disable":
        address.context()


def _version(name: str) -> ssl.TLSVersion:
    return ssl.TLSVersion[name.replace(".", "_")]


def _trust(context: ssl.SSLContext, path: str) -> None:
    if path == "system":
        context.load_default_certs()
    else:
        context.load_verify_locations(path)


def _revoke(context: ssl.SSLContext, path: str) -> None:
    context.load_verify_locations(path)
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
