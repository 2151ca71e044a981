"""`GET /v1/statements`, and how statements come to be: asked for, made by a job, seen, and had as documents."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any

import httpx2
import pypdf
import pytest
from sqlalchemy import func, select
from starlette.applications import Starlette

from api.graphql.context import Context
from api.jobs.work import carry_out
from api.market.statements import jobs as stating
from api.market.statements import routes
from api.resources import clock
from api.resources.authentication import Authentication
from domain.identity import keys
from domain.identity.tables import ApiKeyKind, PlatformRole, UserRole
from domain.identity.viewers import Viewer
from domain.jobs.tables import Job, JobStatus
from domain.kernel.sql import Statement
from domain.market.places.tables import ChargeKind, OrderSide
from domain.market.statements.tables import AccountStatement
from domain.market.statements.words import MAKE_STATEMENTS
from tests.api.market.conftest import Live
from tests.factories.deliveries import Party, a_charge, a_party, a_trade, injected, look, withdrew
from tests.factories.identity import a_user
from tests.factories.market import a_market

OVER = datetime(2026, 12, 2, 12, tzinfo=UTC)
MAKE = """
mutation Make($month: Date!) { makeStatements(input: {month: $month}) {
  job { id kind status } errors { __typename code path } } }
"""
SEEN = """
query { viewer { statements { edges { node {
  number kind month timezone net vat total ledgerTotal rounding corrects { id }
  lines { edges { node { number side kind energyKwh exactNet vatRate net vat market { name } } } } } } } } }
"""


@pytest.fixture
async def client(live: Live) -> AsyncIterator[httpx2.AsyncClient]:
    app = Starlette(routes=routes.routes(live.database, Authentication(live.database)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://commonwatt") as client:
        yield client


@pytest.fixture(autouse=True)
def december(monkeypatch: pytest.MonkeyPatch) -> None:
    """November is over."""
    monkeypatch.setattr(clock, "now", lambda: OVER)


async def delivered(live: Live) -> tuple[Party, Party]:
    """A seller and a buyer of 1 kWh that was delivered and settled in November."""
    async with live.database.transaction() as session:
        market = await a_market(session, name="Esch market", energy_vat_ppm=80_000)
        await a_charge(session, market, ChargeKind.NETWORK, OrderSide.BUY, "0.0312", vat_ppm=170_000)
        seller, buyer = await a_party(session), await a_party(session)
        await a_trade(session, market, seller, buyer, "1", "0.2")
        await injected(session, seller, "1")
        await withdrew(session, buyer, "1")
        await look(session)
    return seller, buyer


async def an_administrator(live: Live) -> Viewer:
    async with live.database.transaction() as session:
        user = await a_user(session)
        session.add(UserRole(user_id=user.id, role=PlatformRole.ADMIN))
    return (await live.signed_in(user.id))[0]


async def asked(live: Live, document: str, viewer: Viewer, **variables: Any) -> Any:
    """The answer of a query or mutation, as JSON."""
    context = Context(live.database, live.hub, viewer)
    result = await live.schema.execute(document, variable_values=variables, context_value=context)
    assert result.errors is None, result.errors
    return json.loads(json.dumps(result.data, default=str))


async def made(live: Live) -> None:
    """November stated, as the relay and a worker do."""
    async with live.database.transaction() as session:
        await stating.schedule_statements(session)
    async with live.database.transaction() as session:
        jobs = list(await session.scalars(select(Job.id).where(Job.kind == MAKE_STATEMENTS)))
    for job_id in jobs:
        await carry_out(live.database, job_id)


async def fetched(client: httpx2.AsyncClient, token: str | None, **query: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return await client.get(routes.PATH, params=query, headers=headers)


async def test_an_administrator_has_a_month_stated(live: Live) -> None:
    seller, buyer = await delivered(live)

    answer = await asked(live, MAKE, await an_administrator(live), month="2026-11-01")
    async with live.database.transaction() as session:
        job_id = (await session.execute(select(Job.id).where(Job.kind == MAKE_STATEMENTS))).scalar_one()
    await carry_out(live.database, job_id)
    await carry_out(live.database, job_id)

    assert answer["makeStatements"]["errors"] == []
    assert answer["makeStatements"]["job"] == {
        "id": f"Job:{job_id}",
        "kind": "MAKE_STATEMENTS",
        "status": "QUEUED",
    }
    (bought,) = await statements_of(live, buyer)
    (sold,) = await statements_of(live, seller)
    lines = [edge["node"] for edge in bought.pop("lines")["edges"]]
    assert (bought.pop("number"), sold["number"]) in {(1, 2), (2, 1)}
    assert bought == {
        "kind": "STATEMENT",
        "month": "2026-11-01",
        "timezone": "Europe/Luxembourg",
        "net": "0.23",
        "vat": "0.03",
        "total": "0.26",
        "ledgerTotal": "0.252504",  # 0.2 x 1.08 + 0.0312 x 1.17
        "rounding": "0.007496",
        "corrects": None,
    }
    common = {"side": "BUY", "energyKwh": "1", "market": {"name": "Esch market"}}
    assert lines == [
        common | {"number": 1, "kind": "ENERGY", "exactNet": "0.2", "vatRate": "0.08", "net": "0.2", "vat": "0.02"},
        common
        | {"number": 2, "kind": "NETWORK", "exactNet": "0.0312", "vatRate": "0.17", "net": "0.03", "vat": "0.01"},
    ]
    assert (sold["total"], sold["ledgerTotal"]) == ("-0.2", "-0.2")


async def statements_of(live: Live, party: Party) -> list[dict[str, Any]]:
    viewer, _ = await live.signed_in(party.user_id)
    data = await asked(live, SEEN, viewer)
    return [edge["node"] for edge in data["viewer"]["statements"]["edges"]]


async def test_the_relay_asks_for_the_last_months_once_a_day(live: Live) -> None:
    await delivered(live)

    await made(live)
    await made(live)

    async with live.database.transaction() as session:
        jobs = (await session.execute(select(Job.key, Job.status).order_by(Job.key))).all()
        count = await session.scalar(select(func.count()).select_from(AccountStatement))
    months = ("2026-09", "2026-10", "2026-11")
    assert [tuple(job) for job in jobs] == [(f"statements:{month}:2026-12-02", JobStatus.SUCCEEDED) for month in months]
    assert count == 2


async def test_a_month_is_not_stated_where_it_is_not_over(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Luxembourg November ends an hour before it does in Greenwich."""
    await delivered(live)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 12, 1, tzinfo=UTC))
    monkeypatch.setattr("domain.market.statements.billing.TIMEZONES", _west_of_greenwich())

    await made(live)

    async with live.database.transaction() as session:
        statuses = set(await session.scalars(select(Job.status).where(Job.kind == MAKE_STATEMENTS)))
        count = await session.scalar(select(func.count()).select_from(AccountStatement))
    assert (statuses, count) == ({JobStatus.SUCCEEDED}, 0)


def _west_of_greenwich() -> Statement[Any]:
    return Statement("""
        SELECT buyer_id AS user_id, 'America/Cayenne' AS timezone FROM trade
        WHERE delivery_start BETWEEN CAST(:start AS timestamptz) AND CAST(:end AS timestamptz)
    """)


async def test_a_statement_is_had_in_three_forms(live: Live, client: httpx2.AsyncClient) -> None:
    _, buyer = await delivered(live)
    await made(live)
    (bought,) = await statements_of(live, buyer)
    number = bought["number"]
    _, token = await live.signed_in(buyer.user_id)

    forms = {form: await fetched(client, token, number=number, format=form) for form in ("json", "csv", "pdf")}

    assert {form: answer.status_code for form, answer in forms.items()} == dict.fromkeys(forms, 200)
    assert {form: answer.headers["content-type"].partition(";")[0] for form, answer in forms.items()} == {
        "json": "application/json",
        "csv": "text/csv",
        "pdf": "application/pdf",
    }
    for form, answer in forms.items():
        assert answer.headers["content-disposition"] == f'attachment; filename="statement-{number}.{form}"'
        assert answer.headers["cache-control"] == "no-store"
    as_json = forms["json"].json()
    assert (as_json["number"], as_json["total_eur"]) == (number, "0.26")
    rows = list(csv.DictReader(io.StringIO(forms["csv"].content.decode("utf-8-sig"))))
    assert len(rows) >= 2
    text = pypdf.PdfReader(io.BytesIO(forms["pdf"].content)).pages[0].extract_text()
    assert "Esch market" in text
    assert "0.26" in text


async def test_the_statement_of_another_is_none(live: Live, client: httpx2.AsyncClient) -> None:
    seller, buyer = await delivered(live)
    await made(live)
    (sold,) = await statements_of(live, seller)
    _, token = await live.signed_in(buyer.user_id)

    of_another = await fetched(client, token, number=sold["number"], format="json")
    of_nobody = await fetched(client, token, number=1_000, format="json")

    assert (of_another.status_code, of_another.json()) == (of_nobody.status_code, of_nobody.json())
    assert of_another.status_code == 400
    assert date.fromisoformat(sold["month"]) == date(2026, 11, 1)


async def test_statements_are_for_who_may_read(live: Live, client: httpx2.AsyncClient) -> None:
    _, buyer = await delivered(live)
    await made(live)
    (bought,) = await statements_of(live, buyer)
    tokens = []
    async with live.database.transaction() as session:
        for scope in (keys.READ, keys.TRADE):
            facts = (ApiKeyKind.PARTNER, scope, frozenset({scope}), datetime(2027, 1, 1, tzinfo=UTC))
            tokens.append((await keys.create_key(session, buyer.user_id, *facts))[1])

    given = [
        (await fetched(client, token, number=bought["number"], format="csv")).status_code for token in (*tokens, None)
    ]

    assert given == [200, 403, 401]
