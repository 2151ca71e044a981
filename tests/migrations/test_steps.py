"""The migrations make what the tables say, and can be taken back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("processes")
ROOT = Path(__file__).parents[2]


def alembic(url: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


async def test_tables_and_migrations_agree_and_every_step_can_be_taken_back(fresh_database: str) -> None:
    assert "No new upgrade operations" in alembic(fresh_database, "check")
    alembic(fresh_database, "downgrade", "base")
    alembic(fresh_database, "upgrade", "head")
    assert "No new upgrade operations" in alembic(fresh_database, "check")
