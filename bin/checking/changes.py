"""Files that changed since a revision, committed or not, and which tests stand for them."""

import subprocess
from collections.abc import Collection
from pathlib import Path

from bin.mapping import ROOT
from bin.testing.watching import rooms_of

CODE = ("api", "domain", "solver", "tests")
SHAPE = ("tests/test_house.py", "tests/test_maps.py")  # A second, whatever changed.


def since(revision: str) -> set[str]:
    """Files that differ from where this branch left a revision, and new ones."""
    begun = _git("merge-base", revision, "HEAD") or [revision]
    return {*_git("diff", "--name-only", begun[0]), *_git("ls-files", "--others", "--exclude-standard")}


def standing_for(changed: Collection[str]) -> list[str]:
    """Files and folders of tests: those of the rooms whose code or tests changed, and those of the house's shape."""
    files = [Path(name) for name in changed if name.endswith(".py")]
    alone = {str(file) for file in files if file.parts[0] == "tests" and file.name.startswith("test_")}
    code = [ROOT / file for file in files if str(file) not in alone and _is_of_a_room(file)]
    migrations = ["tests/migrations"] if any(name.startswith("migrations/") for name in changed) else []
    rooms = rooms_of(code)
    inside = {file for file in alone if any(Path(file).is_relative_to(room) for room in rooms)}
    return sorted({*rooms, *(file for file in alone - inside if (ROOT / file).exists()), *migrations, *SHAPE})


def _is_of_a_room(file: Path) -> bool:
    """What everything leans on has tests everywhere: `bin/test` runs them."""
    return file.parts[0] in CODE and len(file.parts) > 2 and file.parts[1] not in ("factories", "kernel")


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()
