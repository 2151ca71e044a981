"""Load: wrk against a server, pgbench against the database, and what they report."""

import json
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.installation import Installation
from tests.bench.measuring import tools

SCRIPT = Path(__file__).parent / "post.lua"


class LoadFailed(Exception):
    """Requests failed, or the generator did not run."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a load generator saw. pgbench knows no percentiles: its mean stands for the median."""

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float | None
    bytes: int = 0

    @property
    def per_s(self) -> float:
        return self.requests / self.seconds


def post(url: str, bodies: list[str], token: str | None, connections: int, seconds: float) -> Load:
    """POST bodies in turn from one thread over some connections. Raises LoadFailed."""
    program = tools.wrk()
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(bodies) + "\n")
        file.flush()
        options = [
            f"-c{connections}",
            "-t1",
            f"-d{max(round(seconds), 1)}s",
            "--timeout",
            "10s",
            "-s",
            str(SCRIPT),
            url,
        ]
        command = [program.path, *options, "--", file.name, *([token] if token else [])]
        environment = os.environ | dict(program.environment)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return read_wrk(done.stdout, done.stderr)


def read_wrk(output: str, errors: str = "") -> Load:
    """The line of JSON that post.lua writes last. Raises LoadFailed."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    if not lines:
        raise LoadFailed(f"wrk reported nothing:\n{output}{errors}")
    seen = json.loads(lines[-1])
    if seen["failed"] or not seen["requests"]:
        raise LoadFailed(f"{seen['failed']} of {seen['requests']} requests failed")
    return Load(seen["requests"], seen["seconds"], seen["p50_ms"], seen["p99_ms"], seen["bytes"])


@dataclass(frozen=True, slots=True)
class Script:
    """Statements for pgbench, with the values of their `:variables`."""

    sql: str
    variables: dict[str, str]


def pgbench(installation: Installation, sockets: Path, script: Script, connections: int, seconds: int) -> Load:
    """Run prepared statements over the unix socket. Raises LoadFailed."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script.sql)
        file.flush()
        options = ["-n", "-M", "prepared", "-j", "1", "-c", str(connections), "-T", str(seconds), "-f", file.name]
        options += [part for name, value in script.variables.items() for part in ("-D", f"{name}={value}")]
        place = ["-h", str(sockets), "-U", postgres.ROLE, postgres.DATABASE]
        command = [installation.program("pgbench"), *options, *place]
        environment = os.environ | installation.environment
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return read_pgbench(done.stdout, done.stderr, seconds)


def read_pgbench(output: str, errors: str, seconds: float) -> Load:
    """Transactions and their mean latency. Raises LoadFailed."""
    found = {
        name: re.search(pattern, output)
        for name, pattern in {
            "requests": r"number of transactions actually processed: (\d+)",
            "failed": r"number of failed transactions: (\d+)",
            "mean_ms": r"latency average = ([\d.]+) ms",
            "per_s": r"tps = ([\d.]+)",
        }.items()
    }
    requests, mean_ms, per_s = found["requests"], found["mean_ms"], found["per_s"]
    if not (requests and mean_ms and per_s) or "aborted" in errors or (found["failed"] and found["failed"][1] != "0"):
        raise LoadFailed(f"pgbench failed after {seconds:g} s:\n{output}{errors}")
    return Load(int(requests[1]), int(requests[1]) / float(per_s[1]), float(mean_ms[1]), None)
