"""`commonwatt jobs|messages|deliveries|webhooks|outbox list|show|retry`: one way for every sort of work that failed."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from api.resources import clock
from api.resources.database import Database
from domain.failures import retrying, work
from domain.failures.retrying import IDS_MAX
from domain.failures.sorts import SORTS
from domain.failures.work import Criteria
from domain.grid.operators import checked_reason

ACTOR = "command-line"
LIMIT, LIMIT_MAX = 50, 1_000
REFUSED = 1


def add_commands(adding: Any) -> None:
    """Add one for each sort of work."""
    for sort, told in SORTS.items():
        acts = adding.add_parser(told.plural, help=told.about).add_subparsers(required=True, metavar="WHAT")
        listed = acts.add_parser("list", help="the newest first")
        listed.add_argument("--limit", type=_limit, default=LIMIT, help=f"at most so many; default {LIMIT}")
        listed.set_defaults(act=_list)
        shown = acts.add_parser("show", help="what is known of one, failed or not")
        shown.add_argument("id", metavar="ID")
        shown.set_defaults(act=_show)
        again = acts.add_parser("retry", help="have it done again, once, and record that")
        again.add_argument("ids", nargs="*", metavar="ID", help=f"at most {IDS_MAX}")
        again.add_argument("--all", action="store_true", help=f"the newest {IDS_MAX} of those that the conditions name")
        again.add_argument("--why", type=checked_reason, default="Retried by hand.", help="for the audit log")
        again.set_defaults(act=_retry)
        for parser in (listed, again):
            _add_conditions(parser)
        for parser in (listed, shown, again):
            parser.add_argument("--json", action="store_true", help="as one JSON document")
            parser.set_defaults(sort=sort)


def _add_conditions(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kind", help="that of this kind")
    parser.add_argument("--community", type=UUID, metavar="UUID", help="that about this community")
    parser.add_argument("--since", type=_instant, metavar="INSTANT", help="that from then on, ISO 8601")
    parser.add_argument("--reason", metavar="CODE", help="that which failed for this reason")


def _limit(given: str) -> int:
    return min(max(1, int(given)), LIMIT_MAX)


def _instant(given: str) -> datetime:
    instant = datetime.fromisoformat(given)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _named(id: str, arguments: argparse.Namespace) -> str:
    """An id; a key alone is that of the sort's type."""
    return id if ":" in id else f"{SORTS[arguments.sort].type}:{id}"


def _criteria(arguments: argparse.Namespace) -> Criteria:
    return Criteria(arguments.kind, arguments.community, arguments.since, arguments.reason)


async def _list(connected: Database, arguments: argparse.Namespace) -> int:
    async with connected.reading() as connection:
        rows = await work.page(connection, arguments.sort, _criteria(arguments), arguments.limit + 1)
    told, has_more = rows[: arguments.limit], len(rows) > arguments.limit
    if arguments.json:
        _as_json({"work": told, "hasMore": has_more})
        return 0
    for row in told:
        community = f"  community {row.community}" if row.community else ""
        print(f"{row.at:%Y-%m-%dT%H:%M:%SZ}  {row.kind}  {row.reason}  x{row.attempts}  {row.id}{community}")
    print("... and more: --limit, or conditions" if has_more else f"{len(told)} in all")
    return 0


async def _show(connected: Database, arguments: argparse.Namespace) -> int:
    async with connected.reading() as connection:
        row = await work.shown(connection, _named(arguments.id, arguments))
    if row is None:
        sys.stderr.write(f"refused: there is no {arguments.id}\n")
        return REFUSED
    if arguments.json:
        _as_json(dict(row))
    else:
        sys.stdout.writelines(f"{name}: {value}\n" for name, value in row.items() if value is not None)
    return 0


async def _retry(connected: Database, arguments: argparse.Namespace) -> int:
    """Exits 0 where all of it will be done again, 1 where anything was left alone."""
    ids: Sequence[str] = [_named(id, arguments) for id in arguments.ids]
    if arguments.all:
        async with connected.reading() as connection:
            ids = [row.id for row in await work.page(connection, arguments.sort, _criteria(arguments), IDS_MAX)]
        if not ids:
            print("nothing to retry")
            return 0
    await clock.measure(connected.fetch)
    async with connected.transaction() as session:
        told = await retrying.retry(session, ids, actor=ACTOR, why=arguments.why, now=clock.now())
    if arguments.json:
        _as_json({"work": told})
    else:
        for each in told:
            print(f"{each.id}  {'will be done again' if each.refused is None else each.refused.value}")
    return REFUSED if any(each.refused for each in told) else 0


def _as_json(told: Mapping[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(told, default=str, option=orjson.OPT_UTC_Z).decode() + "\n")
