"""Releases: what their clients rely on stays, until a day that was released."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from bin import releasing
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


# ---- this repository


def test_deprecations_say_since_when_what_instead_and_until_when() -> None:
    """The last half a year at least, as docs/api.md promises."""
    reasons = re.findall(r'@deprecated(?:\(reason: "([^"]*)"\))?', (ROOT / "schema.graphql").read_text())

    assert [reason for reason in reasons if not releasing.DEPRECATION.fullmatch(reason)] == []


def test_this_schema_breaks_no_client_of_the_last_release() -> None:
    assert check(ROOT, datetime.now(UTC).date()).breaking == []
