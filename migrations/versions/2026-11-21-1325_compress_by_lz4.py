"""compress by lz4: boundaries are read far more often than written, and lz4 is quicker to read than pglz

Only what is written from now on; a server built without lz4 keeps what it has.

Revision ID: lz4
Revises: reads
Create Date: 2026-11-21 13:25:00
"""

from collections.abc import Sequence

from alembic import op

revision: str = "lz4"
down_revision: str | None = "reads"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TABLES = ("community", "municipality", "substation_area", "market_zone")


def set_compression(method: str) -> None:
    commands = " ".join(
        f"ALTER TABLE {table} ALTER COLUMN boundary_geojson SET COMPRESSION {method};" for table in TABLES
    )
    op.execute(f"DO $$ BEGIN {commands} EXCEPTION WHEN feature_not_supported THEN NULL; END $$")


def upgrade() -> None:
    set_compression("lz4")


def downgrade() -> None:
    set_compression("pglz")
