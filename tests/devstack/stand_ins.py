"""Small programs in place of Commonwatt's own, so that tests can watch the supervisor alone.

python -m tests.devstack.stand_ins up [ARGUMENTS OF bin/up]
python -m tests.devstack.stand_ins PART [PORT]
"""

import http.server
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from bin.devstack.__main__ import main as devstack
from bin.devstack.commands import Application


class Api(http.server.BaseHTTPRequestHandler):
    """Answers 200 when PostgreSQL and Valkey take connections."""

    def do_GET(self) -> None:
        connect("DATABASE_URL")
        connect("REDIS_URL")
        self._answer({"status": "ok"})

    def do_POST(self) -> None:
        self._answer({"data": {"communities": {"edges": [{"node": {"id": "1", "name": "Rue des Pins"}}]}}})

    def _answer(self, body: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_: object) -> None:
        pass


def connect(name: str) -> None:
    address = urlsplit(os.environ[name])
    socket.create_connection((address.hostname, address.port), timeout=2).close()


def load_demo() -> None:
    logins = [{"role": "admin", "email": "admin@rue-des-pins.example", "password": "sunshine"}]
    written = {"admin_token": "admin-token", "member_token": "member-token", "logins": logins}
    Path(os.environ["COMMONWATT_LOGINS_FILE"]).write_text(json.dumps(written))


def up(*arguments: str) -> int:
    """What bin/up does, with the stand-ins, and no migrations beyond those of the kept cluster."""
    stand_in = ("-m", "tests.devstack.stand_ins")
    application = Application(
        migrate=(*stand_in, "nothing"),
        load_demo=(*stand_in, os.environ.get("STAND_IN_LOAD", "load")),
        api=(*stand_in, "api"),
        worker=(*stand_in, "worker"),
        relay=(*stand_in, "relay"),
        feed=(*stand_in, "feed"),
    )
    return devstack(arguments, application)


def main(part: str, *arguments: str) -> None:
    """Worker, relay and feed only exist; each writes its process id beside the log-ins."""
    if part == "up":
        sys.exit(up(*arguments))
    elif part == "nothing":
        return
    elif part == "load":
        load_demo()
    elif part == "fail":
        sys.exit("nothing works today")
    else:
        Path(os.environ["COMMONWATT_LOGINS_FILE"]).with_name(f"{part}.pid").write_text(str(os.getpid()))
        if part == "worker":
            subprocess.Popen(["sleep", "60"])  # As a pool of solvers would, it outlives its parent if nobody ends it.
        if part == "api":
            http.server.ThreadingHTTPServer(("127.0.0.1", int(arguments[0])), Api).serve_forever()
        time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
