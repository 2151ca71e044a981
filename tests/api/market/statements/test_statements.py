"""Statements as documents, and who may have them."""

import csv
import io
import json
from datetime import UTC, date, datetime
from uuid import UUID

import pypdf
import pytest

from api.market.statements.documents import Document, as_csv, as_json, as_pdf, euros
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide
from domain.market.statements.tables import AccountStatement, StatementKind, StatementLine

MARKET = UUID(int=7)


def a_line(
    number: int, kind: LineKind, energy: int, net: int, vat_ppm: int, cents: int, vat_cents: int
) -> StatementLine:
    return StatementLine(
        number=number,
        market_id=MARKET,
        side=OrderSide.BUY,
        kind=kind,
        energy_ukwh=energy,
        net_ueur=net,
        vat_ppm=vat_ppm,
        vat_ueur=net * vat_ppm // 10**6,
        net_cents=cents,
        vat_cents=vat_cents,
    )


def a_document(market: str = "Esch market", member: str = "Anouk <Muller> & Co") -> Document:
    """The published bill of two lines (eegfaktura-billing)."""
    stated = AccountStatement(
        sequence=17,
        kind=StatementKind.STATEMENT,
        month=date(2026, 10, 1),
        timezone="Europe/Vienna",
        net_cents=69_323,
        vat_cents=6_932,
        total_cents=76_255,
        ledger_ueur=762_547_782,
        rounding_ueur=2_218,
        made_at=datetime(2026, 11, 3, tzinfo=UTC),
    )
    lines = [
        a_line(1, LineKind.ENERGY, 3_355_330_000, 260_709_141, 100_000, 26_071, 2_607),
        a_line(2, LineKind.NETWORK, 4_477_450_000, 432_521_670, 100_000, 43_252, 4_325),
    ]
    return Document(stated, lines, member, {MARKET: market}, None)


def test_csv_has_a_row_per_line_and_the_totals() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(a_document()).decode())))

    assert [
        (r["what"], r["energy_kwh"], r["mean_price_eur_per_kwh"], r["net_eur"], r["vat_eur"]) for r in rows[:2]
    ] == [
        ("Energy bought", "3355.33", "0.0777", "260.71", "26.07"),
        ("Use of the network, energy bought", "4477.45", "0.0966", "432.52", "43.25"),
    ]
    assert (rows[2]["number"], rows[2]["net_eur"], rows[2]["vat_eur"], rows[2]["gross_eur"]) == (
        *("total", "693.23", "69.32", "762.55"),
    )


def test_no_cell_is_taken_for_a_formula() -> None:
    row = next(csv.DictReader(io.StringIO(as_csv(a_document(market="=1+1")).decode())))

    assert row["market"] == "'=1+1"


def test_json_holds_everything_as_exact_strings() -> None:
    body = json.loads(as_json(a_document()))

    assert (body["number"], body["month"], body["total_eur"], body["ledger_eur"]) == (
        17,
        "2026-10",
        "762.55",
        "762.547782",
    )
    assert body["vat"] == [{"vat_percent": "10", "net_eur": "693.23", "vat_eur": "69.32"}]
    assert body["lines"][0]["net_eur"] == "260.71"


def test_pdf_tells_the_same_and_is_the_same_every_time() -> None:
    first, second = as_pdf(a_document()), as_pdf(a_document())
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(first)).pages)

    assert first == second
    for told in ("Statement 17", "Anouk <Muller> & Co", "October 2026", "260.71", "43.25", "762.55 EUR", "762.547782"):
        assert told in text


def test_a_long_statement_has_several_pages() -> None:
    document = a_document()
    document.lines.extend([a_line(n, LineKind.FEE, 10**6, 10_000, 200_000, 1, 0) for n in range(3, 203)])

    assert len(pypdf.PdfReader(io.BytesIO(as_pdf(document))).pages) > 4


@pytest.mark.parametrize(("cents", "shown"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (-12_345, "-123.45")])
def test_cents_are_shown_with_two_decimals(cents: int, shown: str) -> None:
    assert euros(cents) == shown
