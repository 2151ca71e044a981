"""How migrations are applied: one upgrade at a time, one transaction each, and none that keeps others waiting.

Whoever waits for a lock on a table holds up all who come after. So a migration waits `WAIT_MS_MAX` at most, gives up what
it did, and comes again; and what it took it holds for `HELD_MS_MAX` at most (`alembic -x held_ms=1000 upgrade head` is
another bound, `-x patience_s=60` how long it is tried). Migrations of the first release and those before them run as they were written, before anybody works.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from alembic import context
from alembic.runtime.migration import RevisionStep
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError

LOG = logging.getLogger("alembic.runtime.migration")
UNBOUNDED_TO = "2026-12-01-0100_agree_with_the_release.py"
"""The last migration that holds what it takes for as long as it needs."""
WAIT_MS_MAX, HELD_MS_MAX = 100, 200
PATIENCE_S = 300
PAUSES_S = (0.2, 0.5, 1, 2, 5)
"""Between the tries of a migration that met a lock, the last until there is no patience left."""
NOT_NOW = frozenset({"55P03", "57014", "40P01"})  # A lock was not to be had, or was held for too long; a deadlock.
IDLE, IDLE_TIMES = "idle_in_transaction_session_timeout", 10
"""Ends the connection of a migration that holds locks and does nothing for some times as long."""
TURN = 0x636F6D6D6F6E  # The advisory lock of who upgrades: "common".
EXTENSIONS = ("postgis", "btree_gist")
CHANGING = frozenset({"upgrade", "downgrade", "stamp"})
# What only an administrator may do, and whether that was done: the owner then needs no right to it.
DONE_BEFORE = {
    "CREATE ROLE commonwatt_app": "SELECT 1 FROM pg_roles WHERE rolname = 'commonwatt_app'",
    "GRANT commonwatt_app TO CURRENT_USER": """
        SELECT 1 FROM pg_roles AS app, pg_roles AS me WHERE app.rolname = 'commonwatt_app' AND me.rolname = current_user
        AND (NOT (me.rolsuper OR me.rolcreaterole)
             OR EXISTS (SELECT FROM pg_auth_members WHERE roleid = app.oid AND member = me.oid))
    """,
}


def run(connection: Connection, configure: Callable[..., None]) -> None:
    """Apply what the command asks for; `configure` tells the context of a connection and of more. Raises DBAPIError."""
    command = getattr(context.config.cmd_opts, "cmd", None)  # None where it is no command line that asks.
    if command is not None and command[0].__name__ not in CHANGING:
        configure(connection)
        context.run_migrations()
        return
    told: Any = context.get_x_argument(as_dictionary=True)
    bounds = _Bounds(int(told.get("held_ms", HELD_MS_MAX)))
    until = time.monotonic() + float(told.get("patience_s", PATIENCE_S))
    event.listen(connection, "before_cursor_execute", bounds.before, retval=True)
    with _turn(connection):
        _extend(connection)
        pauses_s = chain(PAUSES_S, repeat(PAUSES_S[-1]))
        while not _applied(connection, configure, bounds, until):
            time.sleep(next(pauses_s))


def write() -> None:
    """Write what the command would do as SQL: `alembic upgrade FROM:TO --sql`, for who runs it by other means."""
    context.configure(dialect_name="postgresql", literal_binds=True, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


def _applied(connection: Connection, configure: Callable[..., None], bounds: "_Bounds", until: float) -> bool:
    """Whether all is applied; false where somebody was in the way, and there is time to come again."""
    try:
        _apply(connection, configure, bounds)
    except DBAPIError as error:
        connection.rollback()
        if getattr(error.orig, "sqlstate", None) not in NOT_NOW or time.monotonic() > until:
            raise
        LOG.warning("Others are at work, trying again soon: %s", str(error.orig).partition("\n")[0])
        return False
    return True


def _apply(connection: Connection, configure: Callable[..., None], bounds: "_Bounds") -> None:
    configure(connection, transaction_per_migration=True)
    migrations = context.get_context()
    plan = migrations._migrations_fn  # What the command makes of where the database is.
    assert plan is not None

    def steps(heads: Any, of: Any) -> Any:
        found: list[Any] = list(plan(heads, of))  # Revisions to be stamped are steps, too, which migrate nothing.
        migrating = [step for step in found if isinstance(step, RevisionStep)] if heads else []  # Nobody waits before.
        for step in migrating:
            if not _is_unbounded(step):
                step.migration_fn = bounds.over(step.migration_fn)
        if any(step.is_upgrade and _is_unbounded(step) for step in migrating):
            applied = {each.revision for each in context.script.iterate_revisions(heads, "base")}
            context.script.get_revision("agreed").module.go_on(applied)
            connection.commit()
        return found

    migrations._migrations_fn = steps
    with context.begin_transaction():
        context.run_migrations()


def _is_unbounded(step: RevisionStep) -> bool:
    return Path(step.revision.module.__file__ or "").name <= UNBOUNDED_TO


@contextmanager
def _turn(connection: Connection) -> Iterator[None]:
    """Be the only one who upgrades. Asks again and again: who waits in a statement keeps indexes from being made."""
    is_waiting = False
    while not connection.execute(text("SELECT pg_try_advisory_lock(:turn)"), {"turn": TURN}).scalar():
        connection.commit()
        if not is_waiting:
            LOG.warning("Another upgrade is under way: waiting for its end.")
        is_waiting = True
        time.sleep(0.2)
    connection.commit()
    try:
        yield
    finally:
        if not connection.invalidated:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:turn)"), {"turn": TURN})
            connection.commit()


def _extend(connection: Connection) -> None:
    """Bring what columns need; and let no limit that a role or a database has end what takes long and holds up nobody."""
    connection.execute(
        text("SELECT set_config('lock_timeout', '0', false), set_config('statement_timeout', '0', false)")
    )
    for extension in EXTENSIONS:
        connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))
    connection.commit()


class _Bounds:
    """Looks at each statement: what an administrator did is left out, and no transaction holds its locks for long."""

    def __init__(self, held_ms_max: int) -> None:
        self._held_ms_max = held_ms_max
        self._until: float | None = None

    def over(self, migrate: Callable[..., None]) -> Callable[..., None]:
        def bounded(**given: Any) -> None:
            for limit, ms in (("lock_timeout", WAIT_MS_MAX), (IDLE, self._held_ms_max * IDLE_TIMES)):
                context.get_bind().execute(text(f"SET LOCAL {limit} = {ms}"))
            self._until = time.monotonic() + self._held_ms_max / 1_000
            try:
                migrate(**given)
            finally:
                self._until = None

        return bounded

    def before(self, connection: Connection, cursor: Any, statement: str, values: Any, *_: Any) -> tuple[str, Any]:
        for begins, asked in DONE_BEFORE.items():
            if begins in statement:
                cursor.execute(asked)
                if cursor.fetchone():
                    return "SELECT 1", values
        if self._until is not None and connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            left_ms = max(1, int((self._until - time.monotonic()) * 1_000))
            cursor.execute(f"SET LOCAL statement_timeout = {left_ms}")
        return statement, values
