"""A dump: all rows and what they are kept by, at one moment, for a server of any machine and of a later version."""

import os
from pathlib import Path

from bin.backups.programs import ProgramFailed, Programs, of_the_server

ROLES, TABLES = "roles.sql", "tables"

# Whoever owns something in this database, may do something in it, or is given to one who may.
NAMED = """
WITH RECURSIVE named (oid) AS (
    SELECT DISTINCT refobjid FROM pg_shdepend
    WHERE refclassid = 'pg_authid'::regclass
      AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    UNION SELECT datdba FROM pg_database WHERE datname = current_database()
    UNION SELECT membership.member FROM pg_auth_members AS membership JOIN named ON membership.roleid = named.oid
), known AS (SELECT role.* FROM pg_roles AS role JOIN named USING (oid) WHERE rolname !~ '^pg_')
"""
CREATED = (
    NAMED
    + """
SELECT format('SELECT %L WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %L) \\gexec',
              format('CREATE ROLE %I %s', rolname, CASE WHEN rolcanlogin THEN 'LOGIN' ELSE 'NOLOGIN' END), rolname)
FROM known ORDER BY rolname
"""
)
GRANTED = (
    NAMED
    + """
SELECT format('SELECT %L WHERE NOT pg_has_role(%L, %L, ''MEMBER'') \\gexec',
              format('GRANT %I TO %I', given.rolname, taker.rolname), taker.rolname, given.rolname)
FROM pg_auth_members AS membership
JOIN known AS given ON given.oid = membership.roleid JOIN known AS taker ON taker.oid = membership.member
ORDER BY given.rolname, taker.rolname
"""
)
IS_USED = """
SELECT count(*) FROM pg_class AS found JOIN pg_namespace AS place ON place.oid = found.relnamespace
WHERE place.nspname = 'public' AND found.relkind IN ('r', 'p', 'v', 'S')
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = found.oid AND deptype = 'e')
"""
EXTENSIONS = "SELECT extname FROM pg_extension"


class NotEmpty(Exception):
    """Something is there already, which is not written over."""


def make(directory: Path, *, at_once: int) -> None:
    """Dump DATABASE_URL into a new directory. Raises ProgramFailed, NotEmpty."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise NotEmpty(f"{directory} holds something: name a new directory.")
    programs = of_the_server()
    roles = [programs.ask(query) for query in (CREATED, GRANTED)]
    (directory / ROLES).write_text("\n".join([*roles, ""]))
    part = directory / f"{TABLES}.part"
    programs.run("pg_dump", "--format=directory", f"--jobs={at_once}", f"--file={part}")
    part.rename(directory / TABLES)  # What is called so is whole.


def restore(directory: Path, *, at_once: int) -> None:
    """Fill the empty database of DATABASE_URL with a dump, roles first. Raises ProgramFailed, NotEmpty."""
    if not (directory / TABLES).is_dir():
        raise ProgramFailed(f"{directory} holds no whole dump.")
    programs = of_the_server()
    if int(programs.ask(IS_USED)):
        raise NotEmpty("The database of DATABASE_URL holds tables: make a new one, and name it.")
    programs.run("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-f", str(directory / ROLES))
    chosen = directory.with_name(f"{directory.name}.chosen.{os.getpid()}")
    chosen.write_text(_chosen(programs, directory / TABLES))
    try:
        options = ("--exit-on-error", f"--jobs={at_once}", f"--use-list={chosen}", "--dbname=")
        programs.run("pg_restore", *options, str(directory / TABLES))
    finally:
        chosen.unlink()
    programs.run("psql", "-Xq", "-c", "ANALYZE")


def _chosen(programs: Programs, tables: Path) -> str:
    """What of a dump is restored: not what only a superuser may say of extensions that are there already."""
    there = programs.ask(EXTENSIONS).split()
    left_out = [f" EXTENSION - {name}" for name in there]
    lines = programs.run("pg_restore", "--list", str(tables)).splitlines()
    kept = [line for line in lines if not any(left in line for left in left_out) and "COMMENT - EXTENSION" not in line]
    return "\n".join([*kept, ""])
