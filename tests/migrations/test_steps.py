"""The migrations make what the tables say, and can be taken back."""

import asyncio

import pytest
from alembic import command
from alembic.config import Config

from bin.devstack.installation import ROOT


async def test_tables_and_migrations_agree_and_every_step_can_be_taken_back(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    monkeypatch.chdir(ROOT)
    config = Config(str(ROOT / "alembic.ini"))

    def there_and_back() -> None:
        command.check(config)  # Raises where a table is not what the migrations made.
        command.downgrade(config, "base")
        command.upgrade(config, "terms")  # Between the first and the last of those that were laid down empty.
        command.upgrade(config, "+1")
        command.upgrade(config, "head")
        command.check(config)

    await asyncio.to_thread(there_and_back)
