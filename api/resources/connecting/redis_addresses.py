"""REDIS_URL: what it may say, and the one place where connections to Redis or Valkey are made by it, ARQ's too.

`redis://`, `rediss://` (TLS) and `unix://`, with user and password of an ACL and the number of a database. A server's
certificate is held to the name it was asked by, unless the address says otherwise.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import unquote, urlsplit

from arq.connections import ArqRedis
from redis.asyncio import Redis
from redis.asyncio.connection import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import RedisError

from api.resources.connecting.addresses import WrongAddress

KINDS = {"redis": Connection, "rediss": SSLConnection, "unix": UnixDomainSocketConnection}
CONNECT_S = 1.0
PAUSE_S = 1.0


def _yes_or_no(text: str) -> bool:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]


def _file(path: str) -> str:
    with Path(path).open("rb"):
        return path


def _verified(text: str) -> str:
    return {"none": "none", "optional": "optional", "required": "required"}[text]


PARAMETERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "db": int,
        "username": str,
        "password": str,
        "client_name": str,
        "protocol": int,
        "socket_timeout": float,
        "socket_connect_timeout": float,
        "socket_keepalive": _yes_or_no,
        "health_check_interval": int,
        "max_connections": int,
        "retry_on_timeout": _yes_or_no,
        "ssl_ca_certs": _file,
        "ssl_certfile": _file,
        "ssl_keyfile": _file,
        "ssl_cert_reqs": _verified,
        "ssl_check_hostname": _yes_or_no,
        "ssl_min_version": lambda text: ssl.TLSVersion[text.replace(".", "_")],
        "ssl_ciphers": str,
    }
)


def read(url: str) -> dict[str, Any]:
    """What a pool of connections is made with. Raises WrongAddress, which never says a value that may be secret."""
    parts = urlsplit(url)
    if parts.scheme not in KINDS:
        raise WrongAddress("it begins with redis://, rediss:// or unix://, as in redis://user:password@host:6379/0")
    said: dict[str, Any] = {"socket_connect_timeout": CONNECT_S, "connection_class": KINDS[parts.scheme]}
    said |= {name: unquote(text) for name in ("username", "password") if (text := getattr(parts, name))}
    said |= {"path": unquote(parts.path)} if parts.scheme == "unix" else _place(parts.netloc, parts.path)
    for part in filter(None, parts.query.split("&")):
        name, _, text = part.partition("=")
        said[name] = _parsed(name, unquote(text))
    _check(said)
    return said


def connect(url: str) -> Redis:
    """A client, which connects when it is first asked and ends all when it is closed. Raises WrongAddress."""
    return Redis.from_pool(ConnectionPool(**read(url)))


def of_arq(url: str, **options: Any) -> ArqRedis:
    """A client of ARQ's, which connects when it is first asked. Raises WrongAddress."""
    return ArqRedis(ConnectionPool(**read(url)), **options)


async def queue(url: str, tries: int = 2, **options: Any) -> ArqRedis:
    """A client of ARQ's that has connected. Raises RedisError, OSError."""
    client = of_arq(url, **options)
    try:
        for _ in range(tries - 1):
            with contextlib.suppress(RedisError, OSError):
                await client.ping()
                return client
            await asyncio.sleep(PAUSE_S)
        await client.ping()
    except BaseException:
        await client.aclose(close_connection_pool=True)
        raise
    return client


def _place(server: str, path: str) -> dict[str, Any]:
    """Host, port and database."""
    host, separator, port = server.rpartition("@")[2].rpartition(":")
    if not separator or port.endswith("]"):
        host, port = f"{host}{separator}{port}", ""
    database = unquote(path).strip("/")
    return {
        "host": unquote(host.strip("[]")) or "localhost",
        "port": _parsed("port", port or "6379", int),
        "db": _parsed("db", database or "0"),
    }


def _parsed(name: str, text: str, parse: Callable[[str], object] | None = None) -> object:
    parse = parse or PARAMETERS.get(name)
    if parse is None:
        raise WrongAddress(f"{name} is no parameter that is understood")
    try:
        return parse(text)
    except (ValueError, KeyError):
        raise WrongAddress(f"{name} cannot be this") from None
    except OSError as error:
        raise WrongAddress(f"{name} cannot be read: {error.strerror}") from error


def _check(said: dict[str, Any]) -> None:
    """Also whether certificates and keys are what they should be."""
    named = sorted(name for name in said if name.startswith("ssl_"))
    if said["connection_class"] is not SSLConnection:
        if named:
            raise WrongAddress(f"{named[0]} needs rediss://")
        return
    if ("ssl_keyfile" in said) != ("ssl_certfile" in said):
        raise WrongAddress("ssl_certfile and ssl_keyfile need each other")
    said.setdefault("ssl_check_hostname", said.get("ssl_cert_reqs", "required") == "required")
    try:
        SSLConnection(**{name: said[name] for name in said if name.startswith("ssl_")}).ssl_context.get()
    except (OSError, ValueError) as error:
        raise WrongAddress(f"{', '.join(named) or 'TLS'} cannot be used: {error}") from error
