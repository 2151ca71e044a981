"""Releases, and what may change between them: the promise of docs/api.md, "Versions".

`docs/releases` keeps the schema of each release, `bin.frozen` its migrations. What a client of the last one relies on
stays, until a deprecation that was released names a day for it and that day has come; anything else waits for the next
major version.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from graphql import GraphQLSchema, build_ast_schema, build_schema, parse, print_ast, visit
from graphql.language import REMOVE, EnumValueDefinitionNode, FieldDefinitionNode, InputValueDefinitionNode, Visitor
from graphql.utilities import find_breaking_changes, find_dangerous_changes

from bin import frozen

ROOT = Path(__file__).parents[1]
VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
STATED = re.compile(r'^version = "(.+)"$', re.MULTILINE)
DEPRECATION = re.compile(r"Since (?P<version>[\d.]+): .+ Goes on (?P<day>\d{4}-\d\d-\d\d)\.")
UNRELEASED = "## Unreleased\n"

Version = tuple[int, ...]
Deprecatable = FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode


class NotReleased(Exception):
    """Why there is no release."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a client of the last release meets."""

    breaking: list[str]
    dangerous: list[str]


def version_of(text: str) -> Version:
    """Raises NotReleased for what is no version."""
    found = VERSION.fullmatch(text)
    if found is None:
        raise NotReleased(f"A version is three numbers, such as 1.0.0, not {text!r}.")
    return tuple(map(int, found.groups()))


def releases(root: Path) -> dict[Version, Path]:
    """The schemas kept, by version, oldest first."""
    return dict(sorted((version_of(file.stem), file) for file in (root / "docs/releases").glob("*.graphql")))


def changes(released: str, proposed: str, today: date) -> Changes:
    """What is different for clients of a released schema; what was to go by today may be gone."""
    before, after = promised(released, today), build_schema(proposed)
    return Changes(
        [change.description for change in find_breaking_changes(before, after)],
        [change.description for change in find_dangerous_changes(before, after)],
    )


def promised(released: str, today: date) -> GraphQLSchema:
    """A released schema without what it said would be gone by today."""
    return build_ast_schema(visit(parse(released), _Gone(today)), assume_valid=True)


class _Gone(Visitor):
    def __init__(self, today: date) -> None:
        super().__init__()
        self.today = today

    def enter(self, node: Any, *_: Any) -> Any:
        if not isinstance(node, FieldDefinitionNode | InputValueDefinitionNode | EnumValueDefinitionNode):
            return None
        day = _last_day(node)
        return REMOVE if day is not None and day <= self.today else None


def _last_day(node: Deprecatable) -> date | None:
    reasons = [
        print_ast(argument.value).strip('"')
        for directive in node.directives or ()
        if directive.name.value == "deprecated"
        for argument in directive.arguments or ()
    ]
    found = DEPRECATION.fullmatch(reasons[0]) if reasons else None
    return date.fromisoformat(found["day"]) if found else None


def check(root: Path, today: date) -> Changes:
    """What `schema.graphql` changes for clients of the last release. A new major version may break what it likes."""
    kept = releases(root)
    if not kept:
        return Changes([], [])
    last, file = list(kept.items())[-1]
    found = changes(file.read_text(), (root / "schema.graphql").read_text(), today)
    stated = STATED.search((root / "pyproject.toml").read_text())
    is_major = stated is not None and version_of(stated[1])[0] > last[0]
    return Changes([], [*found.breaking, *found.dangerous]) if is_major else found


def release(root: Path, name: str, today: date) -> None:
    """Keep schema and migrations as those of a version, and state the version. Raises NotReleased."""
    version, kept = version_of(name), releases(root)
    if kept and version <= (last := list(kept)[-1]):
        raise NotReleased(f"{name} does not come after {'.'.join(map(str, last))}.")
    package, log = root / "pyproject.toml", root / "CHANGELOG.md"
    if UNRELEASED not in log.read_text():
        raise NotReleased(f"CHANGELOG.md has no heading {UNRELEASED.strip()!r}.")
    if changed := list(frozen.faults(root)):
        raise NotReleased("\n  ".join(["Databases have run what was released:", *changed]))
    before = package.read_text()
    package.write_text(STATED.sub(f'version = "{name}"', before, count=1))
    if broken := check(root, today).breaking:
        package.write_text(before)
        raise NotReleased("\n  ".join(["Only a new major version may break clients of the last one:", *broken]))
    log.write_text(log.read_text().replace(UNRELEASED, f"{UNRELEASED}\n## {name} ({today})\n", 1))
    file = root / f"docs/releases/{name}.graphql"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((root / "schema.graphql").read_bytes())
    frozen.freeze(root, name)


def main(arguments: Sequence[str], root: Path = ROOT) -> int:
    """Release a version, or look whether what is proposed breaks the last one."""
    today = datetime.now(UTC).date()
    try:
        if arguments:
            release(root, arguments[0], today)
            print(f"{arguments[0]} is kept (docs/releases, {frozen.REGISTER}): commit it, tagged v{arguments[0]}.")
            return 0
        found = check(root, today)
    except NotReleased as reason:
        print(f"release: {reason}", file=sys.stderr)
        return 1
    changed = list(frozen.faults(root))
    told = {"dangerous, to be announced": found.dangerous, "breaking": found.breaking, "migrations": changed}
    for heading, sentences in told.items():
        for each in sentences:
            print(f"{heading}: {each}")
    return int(bool(found.breaking or changed))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
