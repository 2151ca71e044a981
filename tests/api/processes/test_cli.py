"""`commonwatt create-admin` and `create-user`: who may sign in afterwards, and as what."""

import argparse
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from api.processes import cli
from api.resources import database
from domain.identity import credentials
from domain.identity.tables import User, UserRole

PASSWORD = "a password of some length"


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    return str(path)


@pytest.fixture(autouse=True)
def _this_database(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", fresh_database)
    monkeypatch.delenv("REDIS_URL", raising=False)


async def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["commonwatt", *arguments])
    parsed: argparse.Namespace = cli._parser().parse_args()
    return await cli._run(parsed.act, parsed)


async def accounts(url: str) -> list[tuple[str, str, str | None, bool]]:
    """E-mail address, name, role, and whether the password is right."""
    connected = database.connect(url, role="commonwatt_app", pool=1)
    columns = (User.email, User.name, UserRole.role, User.password_hash)
    async with connected.reading() as connection:
        rows = (await connection.execute(select(*columns).outerjoin(UserRole).order_by(User.id))).all()
    await connected.close()
    return [(email, name, role, credentials.is_password(stored, PASSWORD)) for email, name, role, stored in rows]


async def test_accounts_are_made_with_and_without_a_platform_role(
    fresh_database: str, password_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ["--password-file", password_file]

    admin = await run(monkeypatch, "create-admin", "admin@example.org", "--name", "Ada", *given)
    user = await run(monkeypatch, "create-user", "user@example.org", *given)

    assert (admin, user) == (0, 0)
    assert await accounts(fresh_database) == [
        ("admin@example.org", "Ada", "ADMIN", True),
        ("user@example.org", "user@example.org", None, True),
    ]


async def test_an_address_is_taken_once(
    fresh_database: str, password_file: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    await run(monkeypatch, "create-user", "user@example.org", "--password-file", password_file)

    again = await run(monkeypatch, "create-admin", "User@example.org", "--password-file", password_file)

    assert again == 1
    assert "refused: There is already an account" in capsys.readouterr().err
    assert [(email, role) for email, _, role, _ in await accounts(fresh_database)] == [("user@example.org", None)]
