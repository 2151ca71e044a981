"""A PostgreSQL cluster of our own: how it is made and started."""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from bin.devstack.installation import STATE, Installation
from bin.devstack.processes import RunAs, dying_with_parent

NOBODY = 65534
ROLE = "commonwatt"
DATABASE = "commonwatt"

# Loopback needs the password; a socket, used by the tests only, is kept in a closed directory.
CLIENT_AUTHENTICATION = """\
local all,replication all trust
host all,replication all 127.0.0.1/32 scram-sha-256
"""

DURABLE = {"shared_buffers": "256MB", "max_connections": "200", "jit": "off", "timezone": "UTC"}
"""For data somebody may want to keep. The unpacked server carries no JIT compiler."""

FORGETFUL = DURABLE | {
    "shared_buffers": "64MB",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_size": "256MB",
}
"""For clusters that are thrown away: a crash may lose everything."""


class ClusterFailed(Exception):
    """PostgreSQL could not be prepared or started; the message holds what it said."""


def server_user(state: Path = STATE) -> RunAs:
    """`user` and `group` for Popen: nothing, but for root, as whom PostgreSQL refuses to run."""
    if os.geteuid() != 0:
        return RunAs()
    owner = state.stat()
    if owner.st_uid == 0:
        return RunAs(user=NOBODY, group=NOBODY, extra_groups=[])
    return RunAs(user=owner.st_uid, group=owner.st_gid, extra_groups=[])


def password(state: Path = STATE) -> str:
    """The password of every cluster of this checkout, made on first use."""
    return kept_secret(state / "postgres-password")


def url_on_loopback(port: int) -> str:
    return f"postgresql+asyncpg://{ROLE}:{password()}@127.0.0.1:{port}/{DATABASE}"


def kept_secret(path: Path) -> str:
    """A random secret, made on first use; of several who come first at once, one makes it."""
    if not path.exists():
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.touch(0o600)
        part.write_text(secrets.token_urlsafe(24))
        with contextlib.suppress(FileExistsError):
            os.link(part, path)
        part.unlink()
    return path.read_text()


def give_to_server(directory: Path) -> None:
    """Make a directory that only the server's user may enter."""
    directory.mkdir(mode=0o700, exist_ok=True)
    user = server_user()
    if user:
        os.chown(directory, user["user"], user["group"])


def create_cluster(installation: Installation, data: Path) -> None:
    """A cluster with one superuser and one empty database, both named commonwatt. Raises ClusterFailed."""
    give_to_server(data)
    initdb = [installation.program("initdb"), "-D", str(data), "-U", ROLE, "-A", "trust", "-E", "UTF8"]
    _run(installation, [*initdb, "--no-locale", "--no-sync"])
    (data / "pg_hba.conf").write_text(CLIENT_AUTHENTICATION)
    single = [installation.program("postgres"), "--single", "-D", str(data), "postgres"]
    _run(installation, single, f"ALTER ROLE {ROLE} PASSWORD '{password()}'\nCREATE DATABASE {DATABASE}\n")


def check_version(installation: Installation, data: Path) -> None:
    """Refuse a data directory of another major version. Raises ClusterFailed."""
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(installation.version):
        raise ClusterFailed(
            f"{data} was made by PostgreSQL {made_by}, but {installation.programs} is {installation.version}. "
            f"Move it away for a new one, or set DATABASE_URL."
        )


def server_command(
    installation: Installation, data: Path, settings: dict[str, str], *, port: int = 5432, sockets: Path | None = None
) -> list[str]:
    """The server in the foreground: on a unix socket in `sockets`, or else on loopback."""
    places = {
        "port": str(port),
        "listen_addresses": "" if sockets else "127.0.0.1",
        "unix_socket_directories": str(sockets or ""),
    }
    options = [f"-c{name}={value}" for name, value in (places | settings).items()]
    return [installation.program("postgres"), "-D", str(data), *options]


def ask(installation: Installation, host: str, port: int, query: str) -> str:
    """One value from the database, as text; empty when it cannot be had."""
    command = [
        installation.program("psql"),
        "-XAtq",
        "-h",
        host,
        "-p",
        str(port),
        "-U",
        ROLE,
        "-d",
        DATABASE,
        "-c",
        query,
    ]
    environment = {**os.environ, **installation.environment, "PGPASSWORD": password()}
    try:
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def is_ready(data: Path, process_id: int) -> bool:
    """Whether the server with this process id accepts connections: what pg_ctl looks at."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[0] == str(process_id) and lines[7].strip() == "ready"


@contextlib.contextmanager
def running(
    installation: Installation,
    data: Path,
    settings: dict[str, str],
    sockets: Path,
    stop: signal.Signals = signal.SIGINT,
) -> Iterator[None]:
    """The server, on a unix socket, for the length of a block. Raises ClusterFailed."""
    log = data / "server.log"
    with log.open("w") as output:
        server = subprocess.Popen(
            server_command(installation, data, settings, sockets=sockets),
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=os.environ | installation.environment,
            start_new_session=True,
            preexec_fn=dying_with_parent(signal.SIGINT),  # noqa: PLW1509 - calls nothing that takes a lock.
            **server_user(),
        )
    try:
        deadline = time.monotonic() + 30
        while not is_ready(data, server.pid):
            if server.poll() is not None or time.monotonic() > deadline:
                raise ClusterFailed(f"PostgreSQL did not start in {data}:\n{log.read_text()[-2000:]}")
            time.sleep(0.01)
        yield
    finally:
        server.send_signal(stop)
        server.wait()


def _run(installation: Installation, command: Sequence[str], text: str = "") -> None:
    done = subprocess.run(
        command,
        cwd="/",  # The checkout may be closed to the server's user.
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | installation.environment,
        preexec_fn=dying_with_parent(signal.SIGKILL),
        **server_user(),
    )
    # A single-user server reports a failed statement, but ends well.
    if done.returncode != 0 or "ERROR:" in done.stderr:
        raise ClusterFailed(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
