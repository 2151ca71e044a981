"""Base backups: the server's files, from which with the log any later moment can be restored."""

import os
import shlex
import shutil
from datetime import datetime
from pathlib import Path

from bin.backups.dumps import NotEmpty
from bin.backups.programs import ProgramFailed, of_the_server, of_version

SLOT = "commonwatt_backup"


def make(directory: Path) -> None:
    """Copy the files of the server of DATABASE_URL into a new directory. Raises ProgramFailed, NotEmpty."""
    _must_be_new(directory)
    programs = of_the_server()
    part = directory.with_name(f"{directory.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.parent.mkdir(parents=True, exist_ok=True)
    programs.run("pg_basebackup", f"--pgdata={part}", "--wal-method=stream", "--checkpoint=fast")
    part.rename(directory)


def keep_log(directory: Path, slot: str = SLOT) -> None:
    """Become the program that keeps the server's log in a directory, for as long as it runs. Raises ProgramFailed.

    The server keeps in `slot` what it has not had yet, also while it does not run.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    programs = of_the_server()
    programs.run("pg_receivewal", "--create-slot", "--if-not-exists", f"--slot={slot}")
    programs.become("pg_receivewal", f"--directory={directory}", f"--slot={slot}", "--synchronous", "--no-password")


def restore(directory: Path, target: Path, log: Path | None, until: datetime | None) -> None:
    """Make a data directory of a base backup, which recovers when its server starts. Raises ProgramFailed, NotEmpty.

    With `log`, up to the moment `until` or else to the log's end; without, to when the backup was made.
    """
    _must_be_new(target)
    if not (directory / "PG_VERSION").is_file():
        raise ProgramFailed(f"{directory} holds no whole base backup.")
    programs = of_version(int((directory / "PG_VERSION").read_text()))
    programs.run("pg_verifybackup", "--quiet", str(directory))
    part = target.with_name(f"{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(directory, part, symlinks=True)
    if log is not None:
        (part / "recovery.signal").touch()
        with (part / "postgresql.auto.conf").open("a") as settings:
            settings.writelines(f"{name} = {_quoted(value)}\n" for name, value in _recovery(log, until).items())
    for path in (part, *part.rglob("*")):
        owner = directory.stat()
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    part.chmod(0o700)
    part.rename(target)


def _recovery(log: Path, until: datetime | None) -> dict[str, str]:
    """Settings of a server that recovers; it writes on by itself when it is done."""
    place = shlex.quote(str(log.resolve()))
    # The end of the log is in a file that is not full yet.
    copied = f'cp {place}/%f "%p" 2>/dev/null || cp {place}/%f.partial "%p"'
    settings = {
        "restore_command": copied,
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
    }
    if until is not None:
        settings["recovery_target_time"] = until.isoformat(" ")
    return settings


def _must_be_new(directory: Path) -> None:
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise NotEmpty(f"{directory} holds something: name a new directory.")


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
