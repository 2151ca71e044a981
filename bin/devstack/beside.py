"""A database of one's own on a server that somebody else runs, beside the database named in its address.

    python -m bin.devstack.beside create|drop ADDRESS NAME

Run in a process of its own, because it needs packages that the supervisor does without.
"""

import asyncio
import sys


def url_of_database(url: str, name: str) -> str:
    """The same server, another database."""
    scheme, _, rest = url.partition("://")
    server, _, path = rest.partition("/")
    _, mark, query = path.partition("?")
    return f"{scheme}://{server}/{name}{mark}{query}"


async def execute(url: str, *statements: str) -> None:
    """Run statements outside a transaction, as CREATE DATABASE wants it."""
    from sqlalchemy import text  # noqa: PLC0415 - the supervisor imports this module.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
    finally:
        await engine.dispose()


STATEMENT = {"create": 'CREATE DATABASE "{}"', "drop": 'DROP DATABASE IF EXISTS "{}" WITH (FORCE)'}

if __name__ == "__main__":
    verb, address, database = sys.argv[1:]
    asyncio.run(execute(address, STATEMENT[verb].format(database)))
