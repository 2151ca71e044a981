"""Play the day once in the database of the environment, and write down what came of it: `python -m tests.day.play`.

It prints a summary, writes the ledger to the file given by --ledger, and exits 1 where an invariant is broken, a job
failed, or nothing was traded, settled or stated.
"""

import argparse
import asyncio
import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import text

from api.ledger.command import _scopes
from domain.kernel.verification import checks
from domain.ledger import export
from tests.day import founding, playing, site, world
from tests.day.founding import MIDNIGHT, Place

FIGURES = {
    "members": "SELECT count(*) FROM member",
    "values_read": "SELECT coalesce(sum(cardinality(values_ukwh)), 0) FROM reading",
    "orders": "SELECT count(*) FROM market_order",
    "orders_by_rule": "SELECT count(*) FROM market_order WHERE rule_id IS NOT NULL",
    "clearings": "SELECT count(*) FROM clearing",
    "trades": "SELECT count(*) FROM trade",
    "traded_wh": "SELECT coalesce(sum(energy_ukwh), 0) / 1000 FROM trade",
    "settled": "SELECT count(*) FROM trade_delivery",
    "delivered_wh": "SELECT coalesce(sum(delivered_ukwh), 0) / 1000 FROM trade_delivery",
    "transfers": "SELECT count(*) FROM transfer",
    "traded_of_the_day_wh": "SELECT coalesce(sum(traded_out_ukwh), 0) / 1000 FROM allocation_run",
    "shared_wh": "SELECT coalesce(sum(shared_ukwh), 0) / 1000 FROM allocation_run",
    "certificates": "SELECT count(*) FROM certificate_issue",
    "statements": "SELECT count(*) FROM account_statement",
    "messages": "SELECT count(*) FROM message",
    "bids": "SELECT count(*) FROM auction_bid",
    "audit_entries": "SELECT count(*) FROM audit_entry",
}
NEEDED = ("orders_by_rule", "trades", "settled", "delivered_wh", "shared_wh", "certificates", "statements", "bids")
# All members trade with each other and share in one community, so what trades took of its points is what was delivered.
WATERFALL = """
    SELECT traded_out_ukwh, traded_in_ukwh, (SELECT sum(delivered_ukwh) FROM trade_delivery AS latest
        JOIN trade ON trade.id = trade_id
        WHERE delivery_start >= period_start AND delivery_start < period_end AND NOT EXISTS (
            SELECT FROM trade_delivery AS later WHERE later.trade_id = trade.id AND later.version > latest.version)
        ) AS delivered_ukwh
    FROM allocation_run
"""


async def play(members: int, seed: int, sock: socket.socket, ledger: Path) -> int:
    """The exit status."""
    async with site.running(sock) as served:
        async with served.database.transaction() as session:
            accounts = await world.make(session, members)
        served.move_clock(MIDNIGHT)
        async with httpx2.AsyncClient(base_url=served.url, timeout=60, trust_env=False) as client:
            place = await founding.found(served, client, accounts, members)
            did = await playing.play(place, seed)
            document = await _a_statement(place)
        figures = await _figures(served)
        breaches = await _breaches(served)
        failed = await served.check_jobs()
        await _write(served, ledger)
    summary = {"people": did, "figures": figures, "jobs": served.jobs, "statement_bytes": document}
    print(json.dumps(summary, indent=2))
    missing = [name for name in NEEDED if not figures[name]]
    for fault in (*breaches, *failed, *(f"there are no {name}" for name in missing)):
        print(f"missed: {fault}")
    return 1 if breaches or failed or missing else 0


async def _a_statement(place: Place) -> dict[str, int]:
    """Somebody's statement in all forms."""
    for _, caller in place.members:
        asked = await caller.ask("{ viewer { statements(first: 1) { edges { node { number } } } } }")
        edges = asked["viewer"]["statements"]["edges"]
        if edges:
            number = str(edges[0]["node"]["number"])
            forms = ("pdf", "csv", "json")
            return {form: len(await caller.get("/v1/statements", number=number, format=form)) for form in forms}
    return {}


async def _figures(served: site.Site) -> dict[str, int]:
    async with served.database.transaction() as session:
        return {name: int((await session.execute(text(query))).scalar_one()) for name, query in FIGURES.items()}


async def _breaches(served: site.Site) -> list[str]:
    found: list[str] = []
    async with served.database.sessions() as session:
        for name, check in checks().items():
            found += [f"{name}: {breach}" async for breach in check(session)]
        for run in await session.execute(text(WATERFALL)):
            if not run.traded_out_ukwh == run.traded_in_ukwh == run.delivered_ukwh:
                found.append(f"of {run.delivered_ukwh} delivered {run.traded_out_ukwh} left, {run.traded_in_ukwh} came")
    return found


async def _write(served: site.Site, ledger: Path) -> None:
    async with served.database.transaction() as session:
        scopes: Any = await _scopes(session)
        ledger.write_text("".join([f"{line}\n" async for line in export.lines(session, scopes)]))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="number of a bound socket")
    given = parser.parse_args()
    assert "COMMONWATT_CLOCK_FILE" in os.environ, "the day is played by a clock of its own"
    return asyncio.run(play(given.members, given.seed, socket.socket(fileno=given.socket), given.ledger))


if __name__ == "__main__":
    sys.exit(main())
