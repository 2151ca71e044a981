"""`GET /v1/exports/trading`: one's own orders, trades or sums as a CSV or XLSX file, made while it is sent.

    ?kind=trades|orders|statistics & format=csv|xlsx & start=2026-01-01T00:00:00Z & end=... [& by=DAY|WEEK|MONTH]
    [& timezone=Europe/Rome]

Trades whose delivery begins in the period, orders that deliver in it; at most 800 days, and 1,000,000 rows of CSV or
50,000 of XLSX. `by` and `timezone` are for statistics: by default months, in the zone of the first metering point that
one takes part with. The same rows as the lists of GraphQL show: applications need the scope read or trade.
200 with the file; 400 for a parameter, 401, 403; 413 where there are more rows.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.resources.database import Database
from api.rest import acts
from api.rest.cells import FileFormat, SentFile, as_file
from api.transport.documents import responses
from api.transport.http.bodies import BodyLimit
from api.transport.terms import identity
from api.transport.terms.errors import BadUserInput, Forbidden, PayloadTooLarge
from api.transport.terms.identity import Authenticate
from domain.identity.viewers import Viewer
from domain.kernel.grammars import Malformed, instant_of
from domain.kernel.intervals import Period
from domain.market.places import visibility
from domain.market.view import exports, history
from domain.market.view.exports import Cell, Listing
from domain.market.view.history import Span

PATH = "/v1/exports/trading"
BODY_LIMIT = BodyLimit(bytes_max=1_024, seconds_max=5)
POINTS = 500
ROWS_MAX = {FileFormat.CSV: 1_000_000, FileFormat.XLSX: 50_000}
PARAMETERS = frozenset({"kind", "format", "start", "end", "by", "timezone"})

Choice = TypeVar("Choice", bound=StrEnum)
Pages = AsyncIterator[Sequence[Sequence[Cell]]]


class ExportKind(StrEnum):
    """What a file holds."""

    TRADES = "trades"
    ORDERS = "orders"
    STATISTICS = "statistics"


LISTINGS = {ExportKind.TRADES: exports.trades, ExportKind.ORDERS: exports.orders}


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def export(request: Request) -> Response:
        return await _export(request, database, authenticate)

    return [acts.get(PATH, export)]


async def _export(request: Request, database: Database, authenticate: Authenticate) -> Response:
    viewer = await acts.signed_in(request, authenticate)
    if not visibility.takes_part(viewer):
        raise Forbidden("Orders and trades are for people, and for applications that may read or trade.")
    database = database.share_of(identity.bucket_key(viewer, identity.address_of(request)))  # It may be much.
    given = _parameters(request.query_params)
    kind, file_format = _choice(ExportKind, given, "kind"), _choice(FileFormat, given, "format")
    period = _period(given)
    columns: tuple[str, ...]
    if kind is ExportKind.STATISTICS:
        columns, pages = exports.SUMS, await _sums(database, viewer, period, given)
    else:
        listing = LISTINGS[kind](viewer, period)
        await _check_count(database, listing, ROWS_MAX[file_format])
        columns, pages = listing.columns, _pages(database, listing)
    name = f"{kind.value}-{period.start:%Y%m%d}-{period.end:%Y%m%d}.{file_format.value}"
    headers = {**responses.STEADY_HEADERS, "Content-Disposition": f'attachment; filename="{name}"'}
    body = as_file(file_format, kind.value, columns, pages)
    return SentFile(body, headers=headers, media_type=file_format.media_type)


async def _check_count(database: Database, listing: Listing, most: int) -> None:
    async with database.reading() as connection:
        count = await listing.count(connection, most)
    if count > most:
        raise PayloadTooLarge(f"There are more than {most} {listing.name}: ask for a shorter period.", limit=most)


async def _pages(database: Database, listing: Listing) -> Pages:
    """Each page is a read of its own: while it is sent, no connection is held."""
    key = None
    while True:
        async with database.reading() as connection:
            page, key = await listing.page(connection, key)
        yield page
        if key is None:
            return


async def _sums(database: Database, viewer: Viewer, period: Period, given: Mapping[str, str]) -> Pages:
    by = _choice(Span, given, "by") if "by" in given else Span.MONTH
    async with database.reading() as connection:
        zone = given.get("timezone") or await history.timezone_of(connection, viewer.user_id)
        _, buckets = await history.statistics(connection, viewer, period, by, zone)

    async def pages() -> Pages:
        yield exports.sums(buckets)

    return pages()


def _parameters(given: Mapping[str, str]) -> Mapping[str, str]:
    unknown = sorted(set(given) - PARAMETERS)
    if unknown:
        raise BadUserInput(f"There is no parameter {unknown[0][:40]!r}.", argument=unknown[0][:40])
    return given


def _choice(kind: type[Choice], given: Mapping[str, str], name: str) -> Choice:
    try:
        return kind(given.get(name, ""))
    except ValueError as error:
        raise BadUserInput(f"{name} must be one of {', '.join(kind)}.", argument=name) from error


def _period(given: Mapping[str, str]) -> Period:
    start, end = _instant(given, "start"), _instant(given, "end")
    if start >= end:
        raise BadUserInput("The period must end after it starts.", argument="period")
    return Period(start, end)


def _instant(given: Mapping[str, str], name: str) -> datetime:
    try:
        return instant_of(given.get(name, ""))
    except Malformed as error:
        raise BadUserInput(f'{name} must be an instant such as "2026-01-31T12:00:00Z".', argument=name) from error
