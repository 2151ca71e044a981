"""Upgrade a million orders while people trade: from the first release on, and by changes of each heavy kind.

What the release lacks is little; so that the promise is held to what later versions may bring, the story adds changes
as `docs/operations/upgrades.md` has them made. The longest stall is that of whoever writes to orders or reads them.
"""

import asyncio
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text

from api.resources import database
from bin.building import migrations as newest
from bin.devstack import migrated, postgres
from bin.devstack.installation import ROOT, require_postgis
from bin.devstack.progress import say
from bin.devstack.stack import Stack
from tests import places
from tests.factories.market import a_market, a_trader, a_zone
from tests.faults.running import at_once
from tests.operate.site import Row, traded

ORDERS = 1_000_000
STALLED_S_MAX = 0.3
AWAY_S_MAX = 2.0  # Indexes and rows take their share of the processors.
PROBED_EVERY_S = 0.005
RELEASED, AGREED = "keys", "agreed"
"""The last revision of the first release, and that which makes good what databases of before it lack."""
ADD = """
INSERT INTO market_order (id, market_id, owner_id, side, status, energy_ukwh, limit_price_ueur_per_kwh, delivery_start,
                          delivery_end, closed_at)
SELECT gen_random_uuid(), :market_id, :owner_id, 'BUY', 'CANCELLED', 1000000, 100000, '2026-06-01T10:00Z',
       '2026-06-01T10:15Z', now()
FROM generate_series(1, :count)
"""
ALONE = "with op.get_context().autocommit_block():\n        "
FILL = '''op.execute("""DO $$ DECLARE last uuid := '00000000-0000-0000-0000-000000000000'; BEGIN LOOP
  WITH batch AS (SELECT id FROM market_order WHERE id > last ORDER BY id LIMIT 1000),
       done AS (UPDATE market_order SET heavy_ukwh = energy_ukwh FROM batch WHERE market_order.id = batch.id)
  SELECT (array_agg(id ORDER BY id DESC))[1] INTO last FROM batch;
  EXIT WHEN last IS NULL;
  COMMIT;
END LOOP; END $$""")'''
HEAVY = {
    "column": 'op.add_column("market_order", sa.Column("heavy", sa.Integer(), server_default="7", nullable=False))',
    "empty": 'op.add_column("market_order", sa.Column("heavy_ukwh", sa.BigInteger(), nullable=True))',
    "index": ALONE + 'op.drop_index("ix_heavy", if_exists=True, postgresql_concurrently=True)\n        '
    'op.create_index("ix_heavy", "market_order", ["status", "placed_at"], postgresql_concurrently=True)',
    "fill": ALONE + FILL,
    "check": 'op.create_check_constraint("heavy", "market_order", "heavy > 0", postgresql_not_valid=True)',
    "checked": ALONE + 'op.execute("ALTER TABLE market_order VALIDATE CONSTRAINT ck_market_order_heavy")',
    "key": 'op.create_foreign_key("fk_heavy", "market_order", "user_account", ["owner_id"], ["id"], '
    "postgresql_not_valid=True)",
    "keyed": ALONE + 'op.execute("ALTER TABLE market_order VALIDATE CONSTRAINT fk_heavy")',
}  # fmt: skip
"""What later versions may do to orders: of each kind the body of a migration, in order."""
MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision: str = "{revision}"
down_revision: str | None = "{before}"


def upgrade() -> None:
    {does}
"""


def lay_down(directory: Path) -> None:
    """Migrations of each heavy kind, after the newest."""
    before = newest.head()
    directory.mkdir(exist_ok=True)
    for number, (revision, does) in enumerate(HEAVY.items()):
        file = directory / f"2036-01-01-{number:04}_{revision}.py"
        file.write_text(MIGRATION.format(revision=revision, before=before, does=does))
        before = revision


async def run(directory: Path) -> Sequence[Row]:
    """A stack with a million orders, of a market of their own, upgrades while others trade."""
    places.prepare(directory)
    places.with_cluster(directory)
    market_id = await _fill(directory / "pg")
    lay_down(directory / "versions")
    stalled_s = [0.0]

    async def upgrade(stack: Stack) -> None:
        url = stack.environment_for_clients()["DATABASE_URL"]
        async with at_once(*(_probe(url, statement, stalled_s) for statement in PROBES)):
            await _alembic(directory, url, "stamp", RELEASED)
            await _alembic(directory, url, "upgrade", AGREED)
            await _alembic(directory, url, "stamp", newest.head())
            await _alembic(directory, url, "upgrade", "head")
        await _empty(url, market_id)

    row = await traded(f"{ORDERS:,} orders upgraded", directory, upgrade, away_s_max=AWAY_S_MAX)
    waited = f"{stalled_s[0] * 1_000:.0f} ms"
    row = dataclasses.replace(row, what=f"{row.what}, somebody waited {waited}")
    if stalled_s[0] < STALLED_S_MAX:
        return [row]
    return [
        dataclasses.replace(row, broken=[*row.broken, f"{waited} for a lock, below {STALLED_S_MAX} s are promised"])
    ]


PROBES = ("LOCK TABLE market_order IN ROW EXCLUSIVE MODE", "SELECT FROM market_order ORDER BY id LIMIT 1")


async def _probe(url: str, statement: str, longest_s: list[float]) -> None:
    """Wait as somebody who writes or reads does, again and again, and keep the longest wait."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        while True:
            began = time.monotonic()
            await connection.execute(f"BEGIN; {statement}; COMMIT")
            longest_s[0] = max(longest_s[0], time.monotonic() - began)
            await asyncio.sleep(PROBED_EVERY_S)
    finally:
        connection.terminate()


async def _fill(data: Path) -> UUID:
    """The orders, in a market of theirs. Their server runs for it alone."""
    with migrated.socket_directory() as sockets, postgres.running(require_postgis(), data, postgres.DURABLE, sockets):
        connected = database.connect(migrated.url_on_socket(sockets), role=None, pool=1, statement_seconds=None)
        try:
            async with connected.transaction() as session:
                market_id = await a_market(session, await a_zone(session))
                owner = await a_trader(session)
                values: dict[str, Any] = {"market_id": market_id, "owner_id": owner.user_id, "count": ORDERS}
                await session.execute(text(ADD), values)
                return market_id
        finally:
            await connected.close()


async def _empty(url: str, market_id: UUID) -> None:
    """Take the orders away, for what is checked afterwards is about all orders."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute("DELETE FROM market_order WHERE market_id = $1", market_id)
    finally:
        await connection.close()


async def _alembic(directory: Path, url: str, *arguments: str) -> None:
    """Raises RuntimeError with what it said."""
    ini = directory / "alembic.ini"
    ini.write_text(
        f"[alembic]\nscript_location = {ROOT}/migrations\npath_separator = os\nprepend_sys_path = {ROOT}\n"
        f"version_locations = {ROOT}/migrations/versions{os.pathsep}{directory}/versions\n"
    )
    command = [sys.executable, "-m", "alembic", "-c", str(ini), *arguments]
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=os.environ | {"DATABASE_URL": url}, stderr=asyncio.subprocess.PIPE
    )
    _, said = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(said.decode()[-2000:])
    say(f"alembic {' '.join(arguments)}: {time.monotonic() - began:.1f} s")
