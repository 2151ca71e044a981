"""`commonwatt import operator-figures`: the grid operator's own allocation into the database."""

import argparse
import sys
from pathlib import Path

import strawberry

from api.graphql.scalars import key_of
from api.metering.command import ACTOR, add_arguments, faults_of
from api.metering.parameters import PARAMETERS
from api.resources.database import Database
from api.sharing import operator_figures
from api.transport.terms.errors import BadUserInput
from domain.metering.imports import ImportRefused


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `operator-figures` of `commonwatt import`."""
    parser = commands.add_parser("operator-figures", help="the grid operator's own allocation from CSV or XLSX")
    parser.description = (
        "All of the file is stored, or nothing. WITHDRAWN columns hold what points received from the community, "
        "INJECTED ones what they gave."
    )
    parser.add_argument("path", type=Path, help="the file")
    parser.add_argument("--community", required=True, metavar="ID", help="id of the community, as the API shows it")
    add_arguments(parser)
    parser.set_defaults(act=_run)


async def _run(connected: Database, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in PARAMETERS if getattr(arguments, name) is not None}
    try:
        community_id = key_of(strawberry.ID(arguments.community), "Community", "--community")
        report, days = await operator_figures.import_figures(
            connected, community_id, arguments.path, given, actor=ACTOR
        )
    except ImportRefused as refusal:
        reasons = [f"Nothing was imported from {arguments.path}: {refusal.message}", *faults_of(refusal)]
        sys.stderr.write("\n".join(reasons) + "\n")
        return 1
    except BadUserInput as error:
        sys.stderr.write(f"refused: {error.message}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{arguments.path} cannot be read: {error.strerror or error}\n")
        return 1
    sys.stdout.write(f"{report.rows:,} rows, {report.values:,} figures of {days:,} days.\n")
    return 0
