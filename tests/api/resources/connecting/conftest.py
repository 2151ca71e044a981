"""A server that speaks TLS and a standby, one of each for all tests."""

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest

from bin.devstack import migrated
from bin.devstack.beside import execute
from bin.devstack.installation import NothingInstalled, require_postgis
from tests.api.resources.connecting import servers
from tests.api.resources.connecting.servers import LOOPBACK, Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make certificates with")
    return Certificates.made_in(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
async def primary(certificates: Certificates) -> AsyncIterator[int]:
    """The port of a server with the logins of `servers`."""
    with _server(certificates, is_standby=False) as port:
        await execute(
            f"postgresql+asyncpg://commonwatt@{LOOPBACK}:{port}/commonwatt",
            *(f"CREATE ROLE {name} LOGIN" for name in ("plain", "certified", servers.CLIENT)),
            f"ALTER ROLE {servers.CLIENT} PASSWORD '{servers.PASSWORD.replace(':', chr(92) + ':')}'",
        )
        yield port


@pytest.fixture(scope="session")
def standby(certificates: Certificates) -> Iterator[int]:
    with _server(certificates, is_standby=True) as port:
        yield port


@contextlib.contextmanager
def _server(certificates: Certificates, *, is_standby: bool) -> Iterator[int]:
    try:
        installation = require_postgis()
    except NothingInstalled as reason:
        pytest.skip(str(reason))
    with (
        migrated.socket_directory(in_memory=True) as directory,
        servers.secured(installation, directory, certificates, is_standby=is_standby) as port,
    ):
        yield port
