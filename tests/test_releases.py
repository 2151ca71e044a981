"""Releases: what their clients rely on stays, until a day that was released."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bin import frozen, releasing
from bin.releasing import ROOT, NotReleased, changes, check, main, release

TODAY = date(2027, 6, 1)
RELEASED = """
type Query { community(id: ID!, size: Int = 5): Community, old: Int
  @deprecated(reason: "Since 1.0.0: use community. Goes on 2027-06-01.") }
type Community { id: ID!, name: String, kind: Kind }
enum Kind { VILLAGE, COMPANY }
input Filter { kind: Kind }
type Mutation { found(filter: Filter): Community }
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("name: String, ", "", "Community.name was removed"),
        ("name: String", "name: Int", "changed type"),
        ("id: ID!, name", "id: ID, name", "changed type"),
        ("COMPANY", "FIRM", "COMPANY was removed"),
        ("size: Int = 5", "size: Int!", "size"),
        (", size: Int = 5", "", "(size:) was removed"),
        ("input Filter { kind: Kind }", "input Filter { kind: Kind, size: Int! }", "size"),
        ("type Mutation { found(filter: Filter): Community }", "", "Mutation was removed"),
    ],
)  # fmt: skip
def test_what_a_client_relies_on_may_not_go(before: str, after: str, told: str) -> None:
    found = changes(RELEASED, RELEASED.replace(before, after), TODAY)

    assert any(told in each for each in found.breaking), found


@pytest.mark.parametrize(
    ("before", "after", "is_dangerous"),
    [
        ("COMPANY", "COMPANY, HOSPITAL", True),
        ("size: Int = 5", "size: Int = 25", True),
        ("name: String", "name: String!", False),
        ("name: String", "name: String, town: String", False),
        ("type Community {", "type Town { id: ID! } type Community {", False),
    ],
)
def test_what_is_added_breaks_nobody(before: str, after: str, *, is_dangerous: bool) -> None:
    found = changes(RELEASED, RELEASED.replace(before, after), TODAY)

    assert found.breaking == []
    assert bool(found.dangerous) is is_dangerous


def test_what_was_to_go_may_go_on_its_day() -> None:
    gone = re.sub(r", old: Int\s+@deprecated\(.*?\)", "", RELEASED)

    assert changes(RELEASED, gone, TODAY).breaking == []
    assert changes(RELEASED, gone, TODAY - timedelta(days=1)).breaking == ["Field Query.old was removed."]


# ---- releasing


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "docs").mkdir()
    (tmp_path / "schema.graphql").write_text(RELEASED)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "commonwatt"\nversion = "0.1.0"\n')
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## Unreleased\n\n### Changes\n\n- All of it.\n")
    return tmp_path


def test_before_the_first_release_anything_goes(checkout: Path) -> None:
    assert main([], checkout) == 0


def test_a_release_keeps_the_schema_and_states_the_version(checkout: Path) -> None:
    release(checkout, "1.0.0", TODAY)

    assert (checkout / "docs/releases/1.0.0.graphql").read_text() == RELEASED
    assert 'version = "1.0.0"' in (checkout / "pyproject.toml").read_text()
    log = (checkout / "CHANGELOG.md").read_text()
    assert "## Unreleased\n\n## 1.0.0 (2027-06-01)\n\n### Changes\n\n- All of it.\n" in log


def test_a_removed_field_fails_the_gate_and_the_release(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    release(checkout, "1.0.0", TODAY)
    (checkout / "schema.graphql").write_text(RELEASED.replace("name: String, ", ""))

    assert main([], checkout) == 1
    assert capsys.readouterr().out == "breaking: Field Community.name was removed.\n"
    with pytest.raises(NotReleased, match=r"(?s)major version.*Community\.name was removed"):
        release(checkout, "1.1.0", TODAY)
    assert 'version = "1.0.0"' in (checkout / "pyproject.toml").read_text(), "nothing was changed"

    release(checkout, "2.0.0", TODAY)
    assert list(releasing.releases(checkout)) == [(1, 0, 0), (2, 0, 0)]
    assert check(checkout, TODAY).breaking == []


def test_the_last_release_is_the_highest(checkout: Path) -> None:
    for version in ("1.2.0", "1.10.0"):
        release(checkout, version, TODAY)

    for refused in ("1.9.0", "1.10.0", "1.11", "v2.0.0", "01.0.0"):
        with pytest.raises(NotReleased):
            release(checkout, refused, TODAY)


# ---- migrations


def migration(checkout: Path, file: str, revision: str, before: str | None) -> Path:
    path = checkout / "migrations/versions" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    follows = f'"{before}"' if before else None
    path.write_text(f'revision: str = "{revision}"\ndown_revision: str | None = {follows}\n')
    return path


@pytest.fixture
def released(checkout: Path) -> Path:
    """A checkout whose migrations `tables` and `history` belong to 1.0.0."""
    migration(checkout, "2027-01-02-1000_create_tables.py", "tables", None)
    migration(checkout, "2027-01-03-1000_keep_history.py", "history", "tables")
    release(checkout, "1.0.0", TODAY)
    return checkout


def test_a_release_keeps_the_migrations_that_are_new(released: Path) -> None:
    migration(released, "2027-02-01-1000_count.py", "counts", "history")
    release(released, "1.1.0", TODAY)
    release(released, "1.2.0", TODAY)

    kept = [(each.release, each.revision) for each in frozen.kept(released)]
    assert kept == [("1.0.0", "tables"), ("1.0.0", "history"), ("1.1.0", "counts")]
    assert list(frozen.faults(released)) == []


@pytest.mark.parametrize(
    ("file", "revision", "before", "told"),
    [
        ("2027-01-03-1000_keep_history.py", "history", None, "and has changed"),
        ("2027-01-03-1000_keep_history.py", "histories", "tables", "and has changed"),
        ("2027-01-02-1100_between.py", "between", "tables", "comes before"),
        ("2027-02-01-1000_branch.py", "branch", "tables", "does not follow history"),
        ("2027-02-01-1000_root.py", "root", None, "does not follow history"),
    ],
)
def test_what_databases_have_run_stays_as_it_was(
    released: Path, file: str, revision: str, before: str | None, told: str
) -> None:
    migration(released, file, revision, before)

    assert any(told in fault for fault in frozen.faults(released))
    assert main([], released) == 1
    with pytest.raises(NotReleased, match="Databases have run"):
        release(released, "1.1.0", TODAY)
    assert 'version = "1.0.0"' in (released / "pyproject.toml").read_text(), "nothing was changed"


def test_a_released_migration_does_not_go(released: Path) -> None:
    (released / "migrations/versions/2027-01-02-1000_create_tables.py").unlink()

    assert any("is gone" in fault for fault in frozen.faults(released))


# ---- this repository


def test_no_released_migration_has_changed_and_new_ones_follow() -> None:
    assert list(frozen.faults(ROOT)) == []
    assert {each.release for each in frozen.kept(ROOT)} <= {file.stem for file in releasing.releases(ROOT).values()}
    assert not releasing.releases(ROOT) or frozen.kept(ROOT), "what was released is kept"


def test_deprecations_say_since_when_what_instead_and_until_when() -> None:
    """The last half a year at least, as docs/api.md promises."""
    reasons = re.findall(r'@deprecated(?:\(reason: "([^"]*)"\))?', (ROOT / "schema.graphql").read_text())

    assert [reason for reason in reasons if not releasing.DEPRECATION.fullmatch(reason)] == []


def test_this_schema_breaks_no_client_of_the_last_release() -> None:
    assert check(ROOT, datetime.now(UTC).date()).breaking == []
