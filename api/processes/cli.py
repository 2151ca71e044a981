"""The command line: `commonwatt import ...`, `ledger export`, `jobs list` and its like, `create-admin` and more."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from api.failures import command as failures_command
from api.geography import command as geography_command
from api.ledger import command as ledger_command
from api.metering import command as metering_command
from api.processes import commands
from api.resources.database import Database
from api.sharing import command as sharing_command
from domain.communities import members
from domain.identity import credentials, users
from domain.identity.tables import PlatformRole
from domain.kernel.errors import DomainError

ACTOR = "command-line"
EXITS = "Exit status: 0 when it was done, 1 when it was refused, 2 when a setting or the database stood in its way."
Act = Callable[[Database, argparse.Namespace], Coroutine[Any, Any, int]]

# Accounts that the command line makes: command, platform roles, help.
ACCOUNTS: tuple[tuple[str, tuple[PlatformRole, ...], str], ...] = (
    ("create-admin", (PlatformRole.ADMIN,), "create an administrator of the platform"),
    ("create-user", (), "create an account that signs in; communities give it its rights"),
)


def main() -> int:
    """Run a command and give its exit status, see EXITS."""
    arguments = _parser().parse_args()
    act: Act | None = arguments.act
    if act is None:
        return _export_schema()
    return commands.ended("commonwatt", lambda: asyncio.run(_run(act, arguments)))


def _parser() -> argparse.ArgumentParser:
    about = "Administer a Commonwatt database (DATABASE_URL)."
    parser = argparse.ArgumentParser(prog="commonwatt", description=about, epilog=EXITS)
    adding = parser.add_subparsers(required=True, metavar="COMMAND")
    imports = adding.add_parser("import", help="read a file: all of it or nothing").add_subparsers(
        required=True, metavar="WHAT"
    )
    geography_command.add_commands(imports)
    metering_command.add_commands(imports)
    sharing_command.add_commands(imports)
    ledger = adding.add_parser("ledger", help="look at the money").add_subparsers(required=True, metavar="WHAT")
    ledger_command.add_commands(ledger)
    failures_command.add_commands(adding)
    for name, roles, help in ACCOUNTS:
        account = adding.add_parser(name, help=help)
        account.add_argument("email")
        account.add_argument("--name", help="name of the person; default the e-mail address")
        account.add_argument("--password-file", type=Path, help="file with the password; otherwise it is asked for")
        account.set_defaults(act=_create_account, roles=roles)
    schema = adding.add_parser("export-schema", help="print the GraphQL schema")
    schema.set_defaults(act=None)  # It needs no database.
    return parser


async def _run(act: Act, arguments: argparse.Namespace) -> int:
    try:
        async with commands.connected() as connected:
            return await act(connected, arguments)
    except DomainError as error:
        print(f"refused: {error.message}", file=sys.stderr)
        return commands.REFUSED


def _export_schema() -> int:
    from api.graphql.schema import make_schema  # noqa: PLC0415 (the schema takes half a second that other commands need not wait for)

    print(make_schema(is_sorted=True).as_str())
    return 0


async def _create_account(connected: Database, arguments: argparse.Namespace) -> int:
    email, name = arguments.email, arguments.name or arguments.email
    password = await asyncio.to_thread(_password, arguments.password_file)
    users.check_new_user(email, name, password)
    hashed = await asyncio.to_thread(credentials.hash_password, password)
    async with connected.transaction() as session:
        user_id = await users.create_user(session, email, name, hashed, actor=ACTOR)
        for role in arguments.roles:
            await users.grant_role(session, user_id, role, actor=ACTOR)
        await members.take_up(session, user_id, email)
    print(f"{email} may sign in{''.join(f', as {role.value}' for role in arguments.roles)}.")
    return 0


def _password(file: Path | None) -> str:
    return getpass.getpass("Password: ") if file is None else file.read_text().strip()
