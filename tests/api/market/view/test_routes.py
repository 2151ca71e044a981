"""Orders, trades and sums as files: one's own alone, exact, and harmless in a spreadsheet."""

import csv
import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from openpyxl import load_workbook
from sqlalchemy import text, update
from starlette.applications import Starlette

from api.market.view import routes
from api.resources.authentication import Authentication
from api.rest import cells as export_files
from domain.identity import keys
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.market.places.tables import Market
from domain.market.view import exports as rows
from tests.api.market.conftest import Live
from tests.factories.market import BUY, SELL, a_delivery, a_market, a_trader, an_order, first_delivery
from tests.factories.prices import a_trade, grid_prices

START = datetime(2026, 3, 1, tzinfo=UTC)
SPAN = {"start": "2026-03-01T00:00:00Z", "end": "2026-04-01T00:00:00Z"}


@pytest.fixture
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=routes.routes(live.database, Authentication(live.database)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
        yield client


async def exported(client: httpx2.AsyncClient, token: str | None, **query: str) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await client.get(routes.PATH, params=SPAN | query, headers=headers)


def table(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def a_market_with_trades(live: Live, count: int = 2) -> tuple[Viewer, str]:
    """Somebody who bought in some quarter-hours and sold in the first one, in a market of an unkind name."""
    async with live.database.transaction() as session:
        viewer, market = await a_trader(session), await a_market(session)
        await session.execute(update(Market).where(Market.id == market).values(name="=1+1"))
        for number in range(count):
            start = START + number * timedelta(minutes=15)
            await a_trade(session, market, start, "0.2001", "1.333", buyer_id=viewer.user_id)
        prices = {"seller_price_ueur_per_kwh": -50_000}
        await a_trade(session, market, START, "0.2", "0.5", seller_id=viewer.user_id, **prices)
        await a_trade(session, market, START, "0.2", "9")
    assert viewer.user_id is not None
    return viewer, (await live.signed_in(viewer.user_id))[1]


async def test_trades_are_exported_as_csv_by_delivery(live: Live, client: httpx2.AsyncClient) -> None:
    _, token = await a_market_with_trades(live)

    answer = await exported(client, token, kind="trades", format="csv")

    rows_of_file = table(answer)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="trades-20260301-20260401.csv"'
    assert answer.headers["cache-control"] == "no-store"
    shown = [(row["delivery start"], row["side"], row["energy kWh"], row["amount EUR"]) for row in rows_of_file]
    assert sorted(shown) == [
        ("2026-03-01T00:00:00Z", "BUY", "1.333000", "0.266733"),
        ("2026-03-01T00:00:00Z", "SELL", "0.500000", "-0.025000"),
        ("2026-03-01T00:15:00Z", "BUY", "1.333000", "0.266733"),
    ]
    assert {row["market"] for row in rows_of_file} == {"'=1+1"}
    assert [row["delivery start"] for row in rows_of_file] == sorted(row["delivery start"] for row in rows_of_file)


async def test_a_workbook_has_numbers_dates_and_no_formulas(live: Live, client: httpx2.AsyncClient) -> None:
    _, token = await a_market_with_trades(live)

    answer = await exported(client, token, kind="trades", format="xlsx")

    sheet: Any = load_workbook(io.BytesIO(answer.content))["trades"]
    header, *cells = sheet.iter_rows()
    names = [cell.value for cell in header]
    assert answer.headers["content-type"] == export_files.MEDIA_TYPES[export_files.FileFormat.XLSX]
    assert len(cells) == 3
    first = dict(zip(names, cells[0], strict=True))
    assert first["delivery start"].value == datetime(2026, 3, 1)  # noqa: DTZ001
    assert first["energy kWh"].data_type == "n"
    assert {cell.data_type for row in cells for cell in row} <= {"n", "s", "d"}
    assert first["market"].value == "'=1+1"


async def test_orders_are_exported_with_what_became_of_them(live: Live, client: httpx2.AsyncClient) -> None:
    async with live.database.transaction() as session:
        viewer, market = await a_trader(session), await a_market(session)
        await an_order(session, viewer, market, BUY, "1", "0.25")
        await an_order(session, viewer, market, SELL, "2.5", "-0.1", delivery=a_delivery(1, 2))
        await an_order(session, await a_trader(session), market, BUY)
    assert viewer.user_id is not None
    _, token = await live.signed_in(viewer.user_id)
    start, end = first_delivery(), first_delivery() + timedelta(hours=1)

    answer = await exported(client, token, kind="orders", format="csv", start=start.isoformat(), end=end.isoformat())

    columns = ("side", "status", "energy kWh", "limit price EUR/kWh", "trading rule", "closed at")
    shown = [tuple(row[name] for name in columns) for row in table(answer)]
    assert shown == [
        ("BUY", "OPEN", "1.000000", "0.250000", "", ""),
        ("SELL", "OPEN", "2.500000", "-0.100000", "", ""),
    ]


async def test_sums_are_exported_by_local_month(live: Live, client: httpx2.AsyncClient) -> None:
    async with live.database.transaction() as session:
        viewer, market = await a_trader(session), await a_market(session)
        await grid_prices(session, market, "0.3", "0.06", now=START)
        await a_trade(session, market, START, "0.2", "2", buyer_id=viewer.user_id)
    assert viewer.user_id is not None
    _, token = await live.signed_in(viewer.user_id)

    given = {"kind": "statistics", "timezone": "Europe/Rome", "end": "2026-04-30T22:00:00Z"}
    answer = await exported(client, token, format="csv", **given)

    assert [(row["from"], row["bought kWh"], row["savings EUR"], row["earnings EUR"]) for row in table(answer)] == [
        ("2026-03-01T00:00:00Z", "2.000000", "0.200000", ""),
        ("2026-03-31T22:00:00Z", "0.000000", "", ""),
    ]


@pytest.mark.parametrize("kind", ["trades", "orders"])
async def test_pages_follow_one_another_without_gaps(
    live: Live, client: httpx2.AsyncClient, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, token = await a_market_with_trades(live, 7)
    async with live.database.transaction() as session:
        await session.execute(
            text("UPDATE market_order SET owner_id = :me, delivery_start = :at, delivery_end = :until"),
            {"me": viewer.user_id, "at": START, "until": START + timedelta(days=1)},
        )
    whole = table(await exported(client, token, kind=kind, format="csv"))

    monkeypatch.setattr(rows, "PAGE", 2)
    paged = table(await exported(client, token, kind=kind, format="csv"))

    assert len(whole) == {"trades": 8, "orders": 18}[kind]
    assert paged == whole


@pytest.mark.parametrize(
    ("query", "status", "says"),
    [
        ({"kind": "secrets"}, 400, "kind must be one of trades, orders, statistics."),
        ({"format": "pdf"}, 400, "format must be one of csv, xlsx."),
        ({"start": "yesterday"}, 400, "start must be an instant"),
        ({"start": "2026-03-01T00:00:00"}, 400, "start must be an instant"),
        ({"start": "0001-01-01T00:00:00+14:00"}, 400, "start must be an instant"),
        ({"end": "2026-02-01T00:00:00Z"}, 400, "The period must end after it starts."),
        ({"end": "2036-02-01T00:00:00Z"}, 400, "The period is longer than 800 days."),
        ({"user": "another"}, 400, "There is no parameter 'user'."),
        ({"kind": "statistics", "by": "HOUR"}, 400, "by must be one of DAY, WEEK, MONTH."),
        ({"kind": "statistics", "timezone": "Mars/Olympus"}, 400, "It must be a name of the time zone database"),
    ],
)
async def test_what_is_asked_wrongly_is_refused_before_it_begins(
    live: Live, client: httpx2.AsyncClient, query: dict[str, str], status: int, says: str
) -> None:
    _, token = await a_market_with_trades(live, 1)

    answer = await exported(client, token, **({"kind": "trades", "format": "csv"} | query))

    assert (answer.status_code, says in answer.json()["errors"][0]["message"]) == (status, True), answer.text


async def test_more_rows_than_a_file_holds_are_refused(
    live: Live, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, token = await a_market_with_trades(live)
    monkeypatch.setitem(routes.ROWS_MAX, export_files.FileFormat.CSV, 2)

    refused = await exported(client, token, kind="trades", format="csv")
    taken = await exported(client, token, kind="trades", format="xlsx")

    assert (refused.status_code, taken.status_code) == (413, 200)


@pytest.mark.parametrize(
    ("kind", "scopes", "status"),
    [
        (ApiKeyKind.PARTNER, {keys.READ}, 200),
        (ApiKeyKind.PARTNER, {keys.TRADE}, 200),
        (ApiKeyKind.METER, {keys.POST_READINGS}, 403),
    ],
)
async def test_files_are_for_who_may_see_the_lists(
    live: Live, client: httpx2.AsyncClient, kind: ApiKeyKind, scopes: set[str], status: int
) -> None:
    viewer, _ = await a_market_with_trades(live)
    assert viewer.user_id is not None
    ends = datetime.now(UTC) + timedelta(days=1)
    async with live.database.transaction() as session:
        _, token = await keys.create_key(session, viewer.user_id, kind, "x", frozenset(scopes), ends)

    answer = await exported(client, token, kind="trades", format="csv")
    nobody = await exported(client, None, kind="trades", format="csv")

    assert (answer.status_code, nobody.status_code) == (status, 401)
    if status == 200:
        assert len(table(answer)) == 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_texts_that_look_like_formulas_are_defused(start: str) -> None:
    assert export_files.safe(f"{start}cmd") == f"'{start}cmd"
    assert export_files.safe(f"a{start}") == f"a{start}"
