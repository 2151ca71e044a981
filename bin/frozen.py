"""Migrations of releases, which stay as they were: databases have run them, and nothing runs them again.

`migrations/released.txt` keeps of each the release, the revision and the digest of its file; `bin/release` writes it.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REVISION = re.compile(r'^revision: str = "(\w+)"', re.MULTILINE)
REGISTER = "migrations/released.txt"
BEFORE = re.compile(r'^down_revision: str \| None = (?:"(\w+)"|None)$', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Kept:
    """A line of the register."""

    release: str
    revision: str
    digest: str
    file: str


def kept(root: Path) -> list[Kept]:
    """The migrations of all releases, in their order."""
    register = root / REGISTER
    lines = register.read_text().splitlines() if register.exists() else []
    return [Kept(*line.split()) for line in lines if line and not line.startswith("#")]


def unreleased(root: Path) -> list[Path]:
    """The migrations that belong to no release yet, in the order of their names."""
    released = {each.file for each in kept(root)}
    return sorted(file for file in (root / "migrations/versions").glob("*.py") if file.name not in released)


def faults(root: Path) -> Iterator[str]:
    """What is different from what was released, or comes before it, a sentence each."""
    released = kept(root)
    for each in released:
        file = root / "migrations/versions" / each.file
        if not file.exists():
            yield f"{each.file} was released with {each.release} and is gone."
        elif digest(file.read_bytes()) != each.digest:
            yield f"{each.file} was released with {each.release} and has changed: write another that corrects it."
    last = released[-1] if released else None
    revision = last.revision if last else None
    for file in unreleased(root):
        if last and file.name < last.file:
            yield f"{file.name} comes before {last.file}, which is released: name it for today."
        before = BEFORE.search(file.read_text())
        if before is None or before[1] != revision:
            yield f"{file.name} does not follow {revision}, which stands before it."
        revision = _revision(file)


def freeze(root: Path, release: str) -> None:
    """Keep what is new as part of a release."""
    lines = [f"{release} {_revision(file)} {digest(file.read_bytes())} {file.name}\n" for file in unreleased(root)]
    register = root / REGISTER
    if lines and not register.exists():
        register.write_text("# Release, revision, SHA-256 and file of each migration: bin/release writes it.\n")
    if lines:
        with register.open("a") as text:
            text.writelines(lines)


def digest(text: bytes) -> str:
    """Of a migration's file."""
    return hashlib.sha256(text).hexdigest()


def _revision(file: Path) -> str:
    found = REVISION.search(file.read_text())
    assert found is not None, file
    return found[1]
