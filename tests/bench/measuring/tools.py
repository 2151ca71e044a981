"""Programs that only the benches need, installed below `.local/bench` with the ordinary clients: wrk and the peers.

wrk comes from the distribution's packages, unpacked without root as `bin/setup` does with PostGIS; Node 22,
PostGraphile and graphql-ws come from npm by name and exact version (PostGraphile 5 fails on Node 20).
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bin.devstack.installation import STATE

KEPT = STATE / "bench"
PEERS = Path(__file__).parents[1] / "peers"
WRK_PACKAGES = ("wrk", "libluajit2-5.1-2", "libluajit-5.1-2", "libluajit-5.1-common", "libluajit2-5.1-common")


class Unavailable(Exception):
    """A program that a bench compares with cannot be installed here."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and what it needs in its environment."""

    path: str
    environment: Mapping[str, str]


def wrk() -> Program:
    """The load generator of the system, or the distribution's. Raises Unavailable."""
    found = shutil.which("wrk")
    if found:
        return Program(found, {})
    unpacked = KEPT / "wrk"
    if not (unpacked / "usr/bin/wrk").exists():
        _unpack_wrk(unpacked)
    libraries = os.pathsep.join(str(d) for d in unpacked.glob("usr/lib/*-linux-*"))
    return Program(str(unpacked / "usr/bin/wrk"), {"LD_LIBRARY_PATH": libraries})


def _unpack_wrk(target: Path) -> None:
    for needed in ("apt-get", "dpkg-deb"):
        if not shutil.which(needed):
            raise Unavailable(f"wrk is missing, and there is no {needed} to fetch it: install wrk")
    apt = KEPT / "apt"
    for directory in ("lists/partial", "cache/archives/partial"):
        (apt / directory).mkdir(parents=True, exist_ok=True)
    options = [
        *("-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=", "-o", "Dir::State::status=/var/lib/dpkg/status"),
        *("-o", f"Dir::State={apt}", "-o", f"Dir::State::lists={apt / 'lists'}", "-o", f"Dir::Cache={apt / 'cache'}"),
    ]
    downloads = apt / "downloads"
    downloads.mkdir(exist_ok=True)
    _run(["apt-get", *options, "update", "-q"], apt)
    for package in WRK_PACKAGES:  # The names of LuaJIT's packages differ between releases.
        _run(["apt-get", *options, "download", "-q", package], downloads, is_required=package == "wrk")
    for package_file in downloads.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(package_file), str(target)], apt)
    shutil.rmtree(apt)


def peers() -> Path:
    """The directory with `node_modules` of the peers. Raises Unavailable."""
    target, wanted = KEPT / "peers", PEERS / "package.json"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    note = target / "installed"
    if note.exists() and note.read_text() == digest:
        return target
    if not shutil.which("npm"):
        raise Unavailable("The peers run on Node: install node and npm")
    target.mkdir(parents=True, exist_ok=True)
    shutil.copy(wanted, target)
    _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock"], target)
    note.write_text(digest)
    return target


def node() -> str:
    """Node 22."""
    return str(peers() / "node_modules/.bin/node")


def versions_of_peers(*names: str) -> dict[str, str]:
    """Installed versions by package name."""
    manifests = {name: peers() / "node_modules" / name / "package.json" for name in names}
    return {name: json.loads(path.read_text())["version"] for name, path in manifests.items()}


def _run(command: list[str], directory: Path, *, is_required: bool = True) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if is_required and done.returncode != 0:
        raise Unavailable(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}"[-3000:])
