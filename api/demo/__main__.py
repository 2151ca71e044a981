"""`python -m api.demo load` and `python -m api.demo feed`."""

import asyncio
import json
import os
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from api.demo.feeding import feed
from api.demo.loading import load
from api.demo.story import ADMIN, LOG_INS, PARTNER, PASSWORD
from api.resources import clock, database
from api.resources.database import Database
from api.resources.settings import settings
from api.transport.terms.logs import configure_logs
from domain.identity import keys, sessions
from domain.identity.tables import ApiKeyKind, User


async def main(command: str) -> int:
    """The exit status: 2 outside a demo."""
    configured = settings()
    configure_logs(configured.log_level)
    if not configured.demo:
        sys.stderr.write("The demo is loaded only where COMMONWATT_DEMO is set.\n")
        return 2
    connected = database.connect(
        str(configured.database_url),
        role=configured.database_role,
        pool=3,
        statement_seconds=None,
        pooled=configured.database_pooled,
    )
    try:
        if command == "feed":
            await feed(connected)
        else:
            await load(connected)
            log_ins = await _log_ins(connected)
            await asyncio.to_thread(
                Path(os.environ["COMMONWATT_LOGINS_FILE"]).write_text, json.dumps(log_ins, indent=1)
            )
    finally:
        await connected.close()
    return 0


async def _log_ins(connected: Database) -> dict[str, Any]:
    """Tokens of the hour, and who may sign in."""
    log_ins = [{"role": login.role, "email": login.email, "password": PASSWORD} for login in LOG_INS]
    written: dict[str, Any] = {"logins": log_ins}
    async with connected.transaction() as session:
        for name, login in (("admin_token", ADMIN), ("member_token", LOG_INS[1])):
            user_id = (await session.execute(select(User.id).where(User.email == login.email))).scalar_one()
            written[name] = (await sessions.open_session(session, user_id)).access_token
        partner_id = (await session.execute(select(User.id).where(User.email == PARTNER.email))).scalar_one()
        scopes, ends = frozenset({keys.READ, keys.TRADE}), clock.outside() + timedelta(days=7)
        _, written["partner_key"] = await keys.create_key(
            session, partner_id, ApiKeyKind.PARTNER, "Demo partner", scopes, ends
        )
    return written


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "load")))
