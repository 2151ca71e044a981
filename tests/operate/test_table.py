"""What `bin/operate` says of its stories, and when it fails."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.operate import __main__ as operate
from tests.operate.site import Row, Story

KEPT = Row("restart", requests=100, again=3, away_s=1.25)


def told(rows: Sequence[Row] | Exception) -> Story:
    async def run(directory: Path) -> Sequence[Row]:
        assert list(directory.iterdir()) == []
        if isinstance(rows, Exception):
            raise rows
        return rows

    return run


def operated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, **stories: Story
) -> tuple[int, str]:
    monkeypatch.setattr(operate, "STORIES", stories)
    monkeypatch.setattr(operate, "DIRECTORY", tmp_path)
    monkeypatch.setattr("sys.argv", ["bin/operate"])
    return operate.main(), capsys.readouterr().out


def test_each_row_is_told_by_its_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    status, said = operated(monkeypatch, capsys, tmp_path, restart=told([KEPT]))

    assert (status, said.splitlines()[1].split()) == (0, ["restart", "100", "3", "0", "1.2", "hold"])


@pytest.mark.parametrize(
    ("story", "says"),
    [
        (told([KEPT, Row("failover", broken=["an order is gone"])]), "an order is gone"),
        (told(OSError("no room")), "OSError: no room"),
    ],
)
def test_one_thing_that_is_not_kept_fails_the_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, story: Story, says: str
) -> None:
    status, said = operated(monkeypatch, capsys, tmp_path, broken=story, kept=told([KEPT]))

    assert status == 1
    assert says in said
    assert "restart" in said
