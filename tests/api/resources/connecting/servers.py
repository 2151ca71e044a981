"""Servers with certificates of an authority of their own, for tests that connect to them."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bin.devstack import migrated, postgres
from bin.devstack.installation import Installation
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent

SERVER_NAMES = "subjectAltName=DNS:localhost"  # And not 127.0.0.1, so that a wrong name can be tried.
CLIENT = "ada"
PASSWORD = "s@c:r/t? &=%"
ENCODED = "s%40c%3Ar%2Ft%3F%20%26%3D%25"
KEY_SECRET = "open sesame"

# Who may come in which way; loopback is 127.0.0.1 for all of them.
CLIENT_AUTHENTICATION = f"""\
local all all trust
hostssl all plain 127.0.0.1/32 reject
host all plain 127.0.0.1/32 trust
hostnossl all {CLIENT},certified 127.0.0.1/32 reject
hostssl all {CLIENT} 127.0.0.1/32 scram-sha-256
hostssl all certified 127.0.0.1/32 cert
host all {postgres.ROLE} 127.0.0.1/32 trust
"""


@dataclass(frozen=True, slots=True)
class Certificates:
    """An authority, and what it signed: a server's, a client's named `certified`; and a stranger's authority."""

    directory: Path

    @classmethod
    def made_in(cls, directory: Path) -> "Certificates":
        made = cls(directory)
        made._authority("ca")
        made._authority("stranger")
        made._signed("server", "localhost", SERVER_NAMES)
        made._signed("client", "certified")
        made._openssl("pkey", "-in", "client.key", "-aes256", "-passout", f"pass:{KEY_SECRET}", "-out", "locked.key")
        return made

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def _authority(self, name: str) -> None:
        self._openssl(
            *f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN={name}".split(),
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.pem",
        )

    def _signed(self, name: str, subject: str, *extensions: str) -> None:
        added = [argument for extension in extensions for argument in ("-addext", extension)]
        self._openssl(
            *["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"],
            *("-CA", "ca.pem", "-CAkey", "ca.key", "-subj", f"/CN={subject}", *added),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)


@contextlib.contextmanager
def secured(installation: Installation, directory: Path, made: Certificates, *, is_standby: bool) -> Iterator[int]:
    """The port of a PostgreSQL that speaks TLS, and that can only be read where it is a standby."""
    data = directory / "data"
    migrated.copy_migrated_cluster(data, installation)
    (data / "pg_hba.conf").write_text(CLIENT_AUTHENTICATION)
    own = [shutil.copy(made.path(name), data) for name in ("server.pem", "server.key", "ca.pem")]
    if is_standby:
        (data / "standby.signal").touch()
        own.append(data / "standby.signal")
    user = postgres.server_user()
    for path in own:
        Path(path).chmod(0o600)
        if user:
            os.chown(path, user["user"], user["group"])
    settings = {"ssl": "on", "ssl_cert_file": "server.pem", "ssl_key_file": "server.key", "ssl_ca_file": "ca.pem"}
    port = any_free()
    command = postgres.server_command(installation, data, postgres.FORGETFUL | settings, port=port)
    with (
        (directory / "log").open("w") as log,
        subprocess.Popen(
            command,
            cwd="/",
            stdout=log,
            stderr=log,
            env=os.environ | dict(installation.environment),
            preexec_fn=dying_with_parent(signal.SIGINT),  # noqa: PLW1509 - calls nothing that takes a lock.
            **user,
        ) as server,
    ):
        deadline = time.monotonic() + 30
        while not postgres.is_ready(data, server.pid):
            is_alive = server.poll() is None and time.monotonic() < deadline
            assert is_alive, (directory / "log").read_text()[-2000:]
            time.sleep(0.02)
        yield port
        server.send_signal(signal.SIGQUIT)


def url(rest: str, *, user: str = CLIENT, password: str = ENCODED, hosts: Sequence[str]) -> str:
    """An address on some hosts."""
    return f"postgresql://{user}:{password}@{','.join(hosts)}/{postgres.DATABASE}?{rest}"


__all__ = ["CLIENT", "KEY_SECRET", "LOOPBACK", "PASSWORD", "Certificates", "secured", "url"]
