"""The command line: `commonwatt import ...`, `commonwatt create-admin`, `commonwatt export-schema`."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from api import database
from api.database import Database
from api.geography import command as geography_command
from api.settings import settings
from domain.errors import DomainError
from domain.identity import credentials, users
from domain.identity.tables import PlatformRole

ACTOR = "command-line"
Act = Callable[[Database, argparse.Namespace], Awaitable[int]]


def main() -> int:
    """Run a command; the exit status is 0 when it was done, 1 when it was refused."""
    arguments = _parser().parse_args()
    if arguments.act is _export_schema:
        return _export_schema()
    return asyncio.run(_run(arguments.act, arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="commonwatt", description="Administer a Commonwatt database (DATABASE_URL).")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    imports = commands.add_parser("import", help="read a file: all of it or nothing").add_subparsers(
        required=True, metavar="WHAT"
    )
    geography_command.add_commands(imports)
    admin = commands.add_parser("create-admin", help="create an administrator of the platform")
    admin.add_argument("email")
    admin.add_argument("--name", default="Administrator")
    admin.add_argument("--password-file", type=Path, help="file with the password; otherwise it is asked for")
    admin.set_defaults(act=_create_admin)
    schema = commands.add_parser("export-schema", help="print the GraphQL schema")
    schema.set_defaults(act=_export_schema)
    return parser


async def _run(act: Act, arguments: argparse.Namespace) -> int:
    configured = settings()
    connected = database.connect(
        str(configured.database_url), role=configured.database_role, pool=2, statement_seconds=None
    )
    try:
        return await act(connected, arguments)
    except DomainError as error:
        print(f"refused: {error.message}", file=sys.stderr)
        return 1
    finally:
        await connected.close()


def _export_schema() -> int:
    from api.schema import make_schema  # noqa: PLC0415 (the schema takes half a second that other commands need not wait for)

    print(make_schema().as_str())
    return 0


async def _create_admin(connected: Database, arguments: argparse.Namespace) -> int:
    if arguments.password_file is not None:
        password = (await asyncio.to_thread(arguments.password_file.read_text)).strip()
    else:
        password = getpass.getpass("Password: ")
    users.check_new_user(arguments.email, arguments.name, password)
    hashed = await asyncio.to_thread(credentials.hash_password, password)
    async with connected.transaction() as session:
        user_id = await users.create_user(session, arguments.email, arguments.name, hashed, actor=ACTOR)
        await users.grant_role(session, user_id, PlatformRole.ADMIN, actor=ACTOR)
    print(f"{arguments.email} administers the platform.")
    return 0
