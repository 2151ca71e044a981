"""Runs the tests of the rooms whose files were saved, each time some are."""

import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from bin.devstack.installation import ROOT
from bin.testing.arguments import Wanted

CODE = ("api", "domain", "solver", "tests", "bin", "migrations")
LOOK_S = 0.3

Saved = dict[Path, int]


def watch(wanted: Wanted) -> int:
    """Until an interrupt."""
    seen = saved_at()
    print(f"watching {', '.join(CODE)}: Ctrl-C ends it", flush=True)
    try:
        while True:
            time.sleep(LOOK_S)
            now = saved_at()
            changed = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
            seen = now
            if rooms := rooms_of(changed):
                tier = [wanted.tier] if wanted.tier else []
                command = [sys.executable, "-m", "bin.testing", *tier, *wanted.rest, *rooms]
                subprocess.run(command, cwd=ROOT, check=False)
    except KeyboardInterrupt:
        return 0


def saved_at() -> Saved:
    """When each file of code was last written, in ns."""
    return {path: path.stat().st_mtime_ns for top in CODE for path in (ROOT / top).rglob("*.py") if path.exists()}


def rooms_of(changed: Iterable[Path], root: Path = ROOT) -> list[str]:
    """The folders with the tests of these files, and none within another: `domain/ledger/transfers.py` has three."""
    rooms = {room for path in changed for room in _rooms(path.relative_to(root), root)}
    return sorted(str(room) for room in rooms if rooms.isdisjoint(room.parents))


def _rooms(path: Path, root: Path) -> list[Path]:
    """A test stands for its own folder, other code for the folders of its name in every layer's tests."""
    room = path.parent.relative_to("tests") if path.is_relative_to("tests") else Path(*path.parent.parts[1:])
    while True:
        tops = ("",) if path.is_relative_to("tests") else ("domain", "solver", "api")
        found = [Path("tests", top, room) for top in tops]
        found = [folder for folder in found if any((root / folder).rglob("test_*.py"))]
        if found or room == Path():
            return found
        room = room.parent
