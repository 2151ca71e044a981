"""Migrations that people work beside: what each of them says to the database, and what of it would keep others waiting.

Judged are those after the first release, by the statements that their `upgrade()` makes without a database. What is in
an `autocommit_block` runs alone, without bounds, and again where it failed; all else is one transaction
(`migrations/stepping.py`). `docs/operations/upgrades.md` has the rules in short.
"""

import ast
import importlib.util
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

OURS = frozenset({"api", "bin", "domain", "migrations", "solver", "tests"})
TABLE = r'(?:if (?:not )?exists )?(?:only )?(?:"?public"?\.)?"?(?P<table>\w+)"?'
NEW = re.compile(rf"create table {TABLE}")
INDEX = re.compile(
    r'create (?:unique )?index (?P<how>concurrently )?(?:if not exists )?(?:(?!on )"?(?P<name>\w+)"? )?on (?:only )?'
    r'(?:"?public"?\.)?"?(?P<table>\w+)"?'
)
NOT_NULL = re.compile(r'alter column "?(?P<column>\w+)"? set not null')
# What is said of a table that is there already, where it is refused, and why.
REFUSED = (
    (
        rf"alter table {TABLE}.* add (?:column .* (?:references|check \(|unique|primary key)|"
        r"(constraint \S+ )?(check|foreign key))(?!.* not valid)",
        "checks every row while it holds the table: add it NOT VALID, and validate it in an autocommit block",
    ),
    (
        rf"alter table {TABLE}.* add (?:constraint \S+ )?(?:unique|primary key|exclude)(?!.* using index)",
        "makes an index while it holds the table: make the index concurrently, and add the constraint USING INDEX",
    ),
    (
        rf"alter table {TABLE}.* alter column \S+ (?:set data )?type ",
        "writes every row anew while it holds the table: add a column, and fill it in batches",
    ),
    (
        rf"alter table {TABLE}.* add column .*"
        r"(?:generated always as|serial|default (?!now\(\)|current_\w+\b)\"?\w+\()",
        "gives each row a value of its own while it holds the table: add the column without, and fill it in batches",
    ),
    (rf"alter table {TABLE}.* add column (?!.*default).* not null", "has no value for the rows that are there"),
    (rf"(?:truncate|cluster|lock|vacuum full|reindex table)(?: table)? {TABLE}", "keeps everybody from the table"),
    (rf"alter table {TABLE}.* set (?:logged|unlogged|tablespace)", "writes every row anew while it holds the table"),
)
# Where code of the release before has to be ready: it does without what goes, and fills what has to be there.
PARTS = (
    rf"alter table {TABLE}.* add .*check \(.* is not null",
    rf"alter table {TABLE}.* set not null",
    rf"drop (?:table|view|function|type|sequence) {TABLE}",
    rf"revoke .* on (?:table )?{TABLE}.* from commonwatt_app",
    rf"alter table {TABLE}.* (?:drop column|rename) ",
)
CHANGES_ROWS = re.compile(rf"(?:with .* )?(?:update (?:only )?|delete from |insert into .*\bselect\b.*\bfrom ){TABLE}")
OURS_TO_SET = re.compile(r"set (?:local |session )?(?:lock_timeout|statement_timeout)")
ALONE = re.compile(
    r"(?:create (?:unique )?index|drop index|reindex \w+) concurrently |alter table .* validate constraint |do |analyze"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A statement in small letters and with single blanks, and whether it runs in the migration's transaction."""

    text: str
    is_in_transaction: bool


def faults(file: Path, releases: Sequence[str] = ()) -> Iterator[str]:
    """Why a migration may not run beside people's work, a sentence each."""
    tree = ast.parse(file.read_text())
    yield from (
        f"it imports {name}, which changes: a migration stays as it is" for name in _imported(tree) if name in OURS
    )
    module = _loaded(file)
    said = statements(module)
    made = {found["table"] for each in said if (found := NEW.match(each.text))}
    if {each.is_in_transaction for each in said} == {True, False}:
        yield "what runs in a transaction and what runs alone are two migrations: one that fails begins again"
    for number, each in enumerate(said):
        for reason in _reasons(each, said[:number], made):
            yield f"{reason}: {each.text[:120]}"
        if getattr(module, "READY_SINCE", None) not in releases and any(_of(made, one, each.text) for one in PARTS):
            yield f"code beside it knows nothing of this: READY_SINCE names a release that does: {each.text[:120]}"


def statements(module: Any) -> list[Said]:
    """What `upgrade()` says, in order."""
    written = io.StringIO()
    migrations = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written, "literal_binds": True}
    )
    with migrations.begin_transaction(), Operations.context(migrations):
        module.upgrade()
    said, is_in_transaction = [], True
    for statement in written.getvalue().split(";\n\n"):
        text = re.sub(r"\s+", " ", re.sub(r"--[^\n]*", "", statement)).strip().lower()
        if text in ("begin", "commit"):
            is_in_transaction = text == "begin"
        elif text:
            said += [Said(each, is_in_transaction) for each in (text, *_within(text, is_in_transaction))]
    return said


def _within(text: str, is_in_transaction: bool) -> Iterator[str]:
    """What a block says, statement for statement, where all of it is one transaction."""
    if is_in_transaction and text.startswith("do "):
        yield from filter(
            None, (one.strip() for one in re.split(r";|\b(?:begin|then|else|loop|execute)\b[ ']*", text)[1:])
        )


def _reasons(each: Said, before: Sequence[Said], made: set[str]) -> Iterator[str]:
    if OURS_TO_SET.match(each.text):
        yield "how long it waits and holds is said for all of them"
    yield from (why for pattern, why in REFUSED if _of(made, pattern, each.text))
    yield from _of_indexes(each, before, made)
    if (found := NOT_NULL.search(each.text)) and _of(made, rf"alter table {TABLE}", each.text):
        checked = re.compile(rf"check \(\"?{found['column']}\"? is not null\)")
        if not any(checked.search(one.text) for one in before):
            yield "looks at every row while it holds the table: validate a check of it before, which then goes"
    if each.is_in_transaction and ("validate constraint" in each.text):
        yield "looks at every row while other changes wait: put it in an autocommit block"
    if each.is_in_transaction and (rows := CHANGES_ROWS.match(each.text)) and rows["table"] not in made:
        yield "holds every row that it changes: change them in batches, in an autocommit block"
    if not each.is_in_transaction and not ALONE.match(each.text):
        yield "holds what it takes without a bound: only what holds up nobody stands in an autocommit block"
    if (
        not each.is_in_transaction
        and each.text.startswith("do ")
        and not ("limit" in each.text and "commit;" in each.text)
    ):
        yield "changes all rows at once: LIMIT each batch, and COMMIT after it"


def _of_indexes(each: Said, before: Sequence[Said], made: set[str]) -> Iterator[str]:
    found = INDEX.match(each.text)
    if found is None or found["table"] in made:
        return
    if not found["how"]:
        yield "keeps everybody from writing while the index is made: make it CONCURRENTLY"
    elif not any(re.match(rf"drop index concurrently if exists \"?{found['name']}\"?", one.text) for one in before):
        yield "stays broken where it failed: drop it before, IF EXISTS"


def _of(made: set[str], pattern: str, text: str) -> bool:
    """Whether it is said of a table that was not made by this very migration."""
    found = re.match(pattern, text)
    return found is not None and found["table"] not in made


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def _loaded(file: Path) -> Any:
    described = importlib.util.spec_from_file_location("migration", file)
    assert described is not None
    assert described.loader is not None
    module = importlib.util.module_from_spec(described)
    described.loader.exec_module(module)
    return module
