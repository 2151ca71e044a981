"""A database as docs/operations/upgrades.md has an administrator make it: its owner has no right over the server."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

from bin.devstack import postgres
from bin.devstack.installation import ROOT, require_postgis
from bin.devstack.ports import LOOPBACK
from tests.operate.servers import Server

PAGE = ROOT / "docs" / "operations" / "upgrades.md"
OWNER, LOGIN = "commonwatt_owner", "commonwatt_api"


async def server_with_roles(directory: Path) -> Server:
    """A server whose tables were migrated by their owner; the caller stops it."""
    server = Server(directory / "primary")
    await asyncio.to_thread(postgres.create_cluster, require_postgis(), server.data)
    await server.start()
    statements = re.search(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert statements is not None
    logins = "".join(f"ALTER ROLE {role} PASSWORD '{postgres.password()}';\n" for role in (OWNER, LOGIN))
    script = f"\\connect postgres\nDROP DATABASE {postgres.DATABASE};\n{statements[1]}{logins}"
    server.run("psql", "-X", "-v", "ON_ERROR_STOP=1", *_login(server), script=script)
    await asyncio.to_thread(_migrate, server)
    return server


def url_of(server: Server, role: str) -> str:
    """The server's address for a login."""
    return server.url.replace(f"//{postgres.ROLE}:", f"//{role}:")


def _login(server: Server) -> tuple[str, ...]:
    return ("-h", LOOPBACK, "-p", str(server.port), "-U", postgres.ROLE, "-d", postgres.DATABASE)


def _migrate(server: Server) -> None:
    environment = os.environ | {"DATABASE_URL": url_of(server, OWNER)}
    migrate = [sys.executable, "-m", "alembic", "upgrade", "head"]
    subprocess.run(migrate, cwd=ROOT, env=environment, check=True, capture_output=True)
