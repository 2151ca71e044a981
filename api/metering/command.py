"""`commonwatt import readings`: a meter file into the database."""

import argparse
import sys
from pathlib import Path
from typing import TextIO

from api.metering import imports
from api.metering.parameters import PARAMETERS, import_format, is_gross
from api.resources.database import Database
from domain.metering.imports import ImportRefused

ACTOR = "command-line"
SHOWN_MAX = 20


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The subcommand `readings` of `commonwatt import`."""
    parser = commands.add_parser("readings", help="readings of metering points from CSV or XLSX")
    parser.description = "All of the file is stored, or nothing. Nothing about the file is guessed."
    parser.add_argument("path", type=Path, help="the file")
    add_arguments(parser)
    parser.set_defaults(act=_run)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for every parameter of a meter file."""
    for name, about in PARAMETERS.items():
        option = "--" + "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name)
        parser.add_argument(option, dest=name, metavar="VALUE", help=about.replace("%", "%%"))


async def _run(connected: Database, arguments: argparse.Namespace) -> int:
    given = {name: getattr(arguments, name) for name in PARAMETERS if getattr(arguments, name) is not None}
    try:
        report, recorded = await imports.import_file(
            connected, arguments.path, import_format(given), sender=ACTOR, gross=is_gross(given)
        )
    except ImportRefused as refusal:
        _tell([f"Nothing was imported from {arguments.path}: {refusal.message}", *faults_of(refusal)], sys.stderr)
        return 1
    except OSError as error:
        _tell([f"{arguments.path} cannot be read: {error.strerror or error}"], sys.stderr)
        return 1
    skipped = [f"{one.point_code} {one.direction}: {one.first_day} to {one.last_day}" for one in report.skipped]
    _tell(
        [
            f"{report.rows:,} rows, {recorded.values:,} values: {recorded.created:,} days created, "
            f"{recorded.filled:,} filled, {recorded.corrected:,} corrected, {recorded.unchanged:,} unchanged.",
            *([f"Days skipped because intervals are missing: {len(skipped)}"] if skipped else []),
            *skipped[:SHOWN_MAX],
            *([f"  and {len(skipped) - SHOWN_MAX} more"] if len(skipped) > SHOWN_MAX else []),
        ],
        sys.stdout,
    )
    return 0


def faults_of(refusal: ImportRefused) -> list[str]:
    """The first faults of a file, and how many more there are."""
    report = refusal.report
    shown = [f"  row {fault.row}, column {fault.column}: {fault.reason}" for fault in report.faults[:SHOWN_MAX]]
    more = report.fault_count - len(shown)
    return shown + ([f"  and {more} more"] if more > 0 else [])


def _tell(lines: list[str], stream: TextIO) -> None:
    stream.write("\n".join(lines) + "\n")
