"""Run migrations on asyncpg; the address comes from DATABASE_URL."""

import asyncio
import os
from typing import Any

from alembic import context
from geoalchemy2 import alembic_helpers
from sqlalchemy import Connection
from sqlalchemy.pool import NullPool

from api.resources.connecting import addresses
from domain.kernel.tables import Base
from migrations import stepping


def include_object(item: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave PostGIS's own tables and the month partitions of readings alone."""
    if kind == "table" and reflected and name is not None and name.startswith("reading_y"):
        return False
    spatial: bool = alembic_helpers.include_object(item, name, kind, reflected, compare_to)  # type: ignore[no-untyped-call]
    return spatial


def configure(connection: Connection, **options: Any) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        include_object=include_object,
        process_revision_directives=alembic_helpers.writer,
        render_item=alembic_helpers.render_item,
        compare_type=True,
        **options,
    )


async def main() -> None:
    engine = addresses.engine(addresses.read(os.environ["DATABASE_URL"]), poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(stepping.run, configure)
        await connection.commit()
    await engine.dispose()


if context.is_offline_mode():
    stepping.write()
else:
    asyncio.run(main())
