"""Back the database of DATABASE_URL up, and restore what was kept: `bin/backup` and `bin/restore`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from bin.backups import bases, dumps
from bin.backups.addresses import NoAddress
from bin.backups.dumps import NotEmpty
from bin.backups.programs import ProgramFailed

AT_ONCE = min(4, os.cpu_count() or 1)
EXITS = "Exit status: 0 when it was done, 1 when it was refused or failed, 2 for wrong arguments."
AT_ONCE_HELP = "connections that work at once (default: %(default)s)"


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    options = _parser().parse_args(arguments)
    act: Callable[[argparse.Namespace], None] = options.act
    try:
        act(options)
    except (NoAddress, NotEmpty, ProgramFailed, OSError) as reason:
        sys.stderr.write(f"{options.doing}: {reason}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/backup, bin/restore", description=__doc__, epilog=EXITS)
    doing = parser.add_subparsers(required=True, dest="doing", metavar="backup|restore")
    _add_making(doing.add_parser("backup", prog="bin/backup", help="make or keep a backup", epilog=EXITS))
    _add_restoring(doing.add_parser("restore", prog="bin/restore", help="make something of one", epilog=EXITS))
    return parser


def _add_making(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="dump|base|log")
    dump = kinds.add_parser("dump", help="all rows, for a server of any machine and of a later version")
    dump.add_argument("directory", type=Path, help="a new one")
    dump.add_argument("--at-once", type=int, default=AT_ONCE, help=AT_ONCE_HELP)
    dump.set_defaults(act=lambda given: dumps.make(given.directory, at_once=given.at_once))
    base = kinds.add_parser("base", help="the server's files; with the log, any later moment can be restored")
    base.add_argument("directory", type=Path, help="a new one")
    base.set_defaults(act=lambda given: bases.make(given.directory))
    log = kinds.add_parser("log", help="keep the server's log, as it is written, until it is stopped")
    log.add_argument("directory", type=Path, help="the same one each time")
    log.add_argument("--slot", default=bases.SLOT, help="by which the server knows it (default: %(default)s)")
    log.set_defaults(act=lambda given: bases.keep_log(given.directory, given.slot))


def _add_restoring(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(required=True, metavar="dump|base")
    dump = kinds.add_parser("dump", help="fill the empty database of DATABASE_URL")
    dump.add_argument("directory", type=Path, help="of bin/backup dump")
    dump.add_argument("--at-once", type=int, default=AT_ONCE, help=AT_ONCE_HELP)
    dump.set_defaults(act=lambda given: dumps.restore(given.directory, at_once=given.at_once))
    base = kinds.add_parser("base", help="make a data directory, which recovers when its server starts")
    base.add_argument("directory", type=Path, help="of bin/backup base")
    base.add_argument("target", type=Path, help="the data directory, a new one")
    base.add_argument("--log", type=Path, help="of bin/backup log; recover up to its end")
    base.add_argument("--until", type=_instant, help="recover up to a moment, such as 2026-12-01T10:00:00+00:00")
    base.set_defaults(act=_restore_base)


def _restore_base(given: argparse.Namespace) -> None:
    if given.until is not None and given.log is None:
        raise NoAddress("A moment can be restored with the log only: --log DIRECTORY.")
    bases.restore(given.directory, given.target, given.log, given.until)


def _instant(text: str) -> datetime:
    """Raises ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError("say of which offset it is, such as +00:00")
    return instant


if __name__ == "__main__":
    sys.exit(main())
