"""Play a day twice in fresh databases and compare the ledgers: `bin/day [--members 200] [--seed 7]`.

Exits 1 where a play found something wrong, or where the two ledgers are not the same to the byte.
"""

import argparse
import hashlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bin.devstack import migrated, postgres
from bin.devstack.installation import ROOT, require_postgis, require_valkey
from bin.devstack.ports import LOOPBACK, any_free
from bin.devstack.processes import dying_with_parent


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    ledgers = []
    with tempfile.TemporaryDirectory() as directory:
        for number in (1, 2):
            began, ledger = time.monotonic(), Path(directory) / f"ledger-{number}.txt"
            if _play(given.members, given.seed, ledger) != 0:
                return 1
            ledgers.append(ledger.read_bytes())
            digest = hashlib.sha256(ledgers[-1]).hexdigest()
            lines = ledgers[-1].count(b"\n")
            print(f"play {number}: {time.monotonic() - began:.0f} s, ledger of {lines:,} lines, SHA-256 {digest}")
    if ledgers[0] != ledgers[1]:
        print("missed: the two ledgers differ")
        return 1
    print("The two ledgers are the same to the byte.")
    return 0


def _play(members: int, seed: int, ledger: Path) -> int:
    installation = require_postgis()
    with migrated.socket_directory() as sockets, _valkey() as redis_url, tempfile.TemporaryDirectory() as directory:
        data = sockets / "data"
        migrated.copy_migrated_cluster(data, installation)
        with postgres.running(installation, data, postgres.FORGETFUL, sockets), socket.socket() as listening:
            listening.bind((LOOPBACK, 0))
            url = f"http://{LOOPBACK}:{listening.getsockname()[1]}"
            environment = os.environ | {
                "DATABASE_URL": migrated.url_on_socket(sockets),
                "REDIS_URL": redis_url,
                "COMMONWATT_SECRET": secrets.token_hex(16),
                "COMMONWATT_PAYMENT_SECRET": secrets.token_hex(16),
                "COMMONWATT_PAYMENT_CALLBACK_URL": f"{url}/payments/callbacks",
                "COMMONWATT_PAYMENT_DELAY_S": "0",
                "COMMONWATT_CLOCK_FILE": f"{directory}/clock",
                "COMMONWATT_MAIL_DIRECTORY": f"{directory}/mail",
                "COMMONWATT_RATE_CAPACITY": "10000000",
                "COMMONWATT_RATE_REFILL_PER_S": "1000000",
                "COMMONWATT_OPERATION_SECONDS": "60",
                "COMMONWATT_LOG_LEVEL": "WARNING",
                "NUMBA_CACHE_DIR": str(ROOT / ".local" / "numba"),
            }
            (Path(directory) / "clock").write_bytes(bytes(8))
            arguments = ["--members", str(members), "--seed", str(seed), "--ledger", str(ledger)]
            arguments += ["--socket", str(listening.fileno())]
            command = [sys.executable, "-m", "tests.day.play", *arguments]
            return subprocess.run(
                command, cwd=ROOT, env=environment, pass_fds=[listening.fileno()], check=False
            ).returncode


@contextmanager
def _valkey() -> Iterator[str]:
    port = any_free()
    command = [str(require_valkey()), "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        cwd=tempfile.gettempdir(),
        preexec_fn=dying_with_parent(signal.SIGKILL),  # noqa: PLW1509 - calls nothing that takes a lock.
    ) as process:
        deadline = time.monotonic() + 10
        while socket.socket().connect_ex((LOOPBACK, port)) != 0:
            assert time.monotonic() < deadline, "Valkey does not answer"
            time.sleep(0.05)
        yield f"redis://{LOOPBACK}:{port}/0"
        process.kill()


if __name__ == "__main__":
    sys.exit(main())
