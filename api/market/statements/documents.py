"""Statements as documents: PDF, CSV and JSON, each made anew from the same rows, byte for byte the same every time."""

import csv
import io
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from api.rest.cells import safe
from domain.kernel.quantities import MICRO, format_micro
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide
from domain.market.statements.lines import half_up
from domain.market.statements.tables import AccountStatement, StatementKind, StatementLine

TITLES = {StatementKind.STATEMENT: "Statement", StatementKind.CREDIT_NOTE: "Credit note"}
WHAT = {
    (OrderSide.BUY, LineKind.ENERGY): "Energy bought",
    (OrderSide.SELL, LineKind.ENERGY): "Energy sold",
    (OrderSide.BUY, LineKind.PENALTY): "Penalties, as buyer",
    (OrderSide.SELL, LineKind.PENALTY): "Penalties, as seller",
    (OrderSide.BUY, LineKind.FEE): "Platform fee on energy bought",
    (OrderSide.SELL, LineKind.FEE): "Platform fee on energy sold",
    (OrderSide.BUY, LineKind.NETWORK): "Use of the network, energy bought",
    (OrderSide.SELL, LineKind.NETWORK): "Use of the network, energy sold",
    (OrderSide.BUY, LineKind.COMMUNITY_FUND): "Community fund, energy bought",
    (OrderSide.SELL, LineKind.COMMUNITY_FUND): "Community fund, energy sold",
}


@dataclass(frozen=True, slots=True)
class Document:
    """A statement with all that its documents show."""

    statement: AccountStatement
    lines: list[StatementLine]
    member: str
    markets: dict[UUID, str]
    corrected_number: int | None

    @property
    def title(self) -> str:
        """What it is, with its number."""
        return f"{TITLES[self.statement.kind]} {self.statement.sequence}"

    def price(self, line: StatementLine) -> str:
        """Mean price of a line, EUR/kWh with six decimals; of the exact sum."""
        if not line.energy_ukwh:
            return ""
        return format_micro(half_up(line.net_ueur * MICRO, line.energy_ukwh))

    @property
    def vat_by_rate(self) -> dict[int, tuple[int, int]]:
        """Net and VAT in cents by rate."""
        sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])
        for line in self.lines:
            sums[line.vat_ppm][0] += line.net_cents
            sums[line.vat_ppm][1] += line.vat_cents
        return {rate: (net, vat) for rate, (net, vat) in sorted(sums.items())}


def euros(cents: int) -> str:
    """Cents as EUR with two decimals."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def percent(ppm: int) -> str:
    """A rate as a percentage, without trailing zeros."""
    return format_micro(ppm * 100)


COLUMNS = (
    *("number", "market", "side", "kind", "what", "energy_kwh", "mean_price_eur_per_kwh", "exact_net_eur"),
    *("vat_percent", "net_eur", "vat_eur", "gross_eur"),
)


def _cells(document: Document, line: StatementLine) -> tuple[str, ...]:
    return (
        str(line.number),
        document.markets[line.market_id],
        line.side.value,
        line.kind.value,
        WHAT[line.side, line.kind],
        format_micro(line.energy_ukwh),
        document.price(line),
        format_micro(line.net_ueur),
        percent(line.vat_ppm),
        euros(line.net_cents),
        euros(line.vat_cents),
        euros(line.net_cents + line.vat_cents),
    )


def as_csv(document: Document) -> bytes:
    """One row per line, and the totals; RFC 4180. No name is taken for a formula by a spreadsheet."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for line in document.lines:
        number, market, *rest = _cells(document, line)
        writer.writerow((number, safe(market), *rest))
    stated = document.statement
    totals = (euros(stated.net_cents), euros(stated.vat_cents), euros(stated.total_cents))
    exact = format_micro(stated.ledger_ueur)
    writer.writerow(("total", "", "", "", document.title, "", "", exact, "", *totals))
    return text.getvalue().encode()


def as_json(document: Document) -> bytes:
    """The whole document; money and energy as decimal strings."""
    stated = document.statement
    body = {
        "number": stated.sequence,
        "kind": stated.kind.value,
        "corrects": document.corrected_number,
        "month": f"{stated.month:%Y-%m}",
        "timezone": stated.timezone,
        "member": document.member,
        "made_at": stated.made_at.isoformat(),
        "currency": "EUR",
        "lines": [dict(zip(COLUMNS, _cells(document, line), strict=True)) for line in document.lines],
        "vat": [
            {"vat_percent": percent(rate), "net_eur": euros(net), "vat_eur": euros(vat)}
            for rate, (net, vat) in document.vat_by_rate.items()
        ],
        "net_eur": euros(stated.net_cents),
        "vat_eur": euros(stated.vat_cents),
        "total_eur": euros(stated.total_cents),
        "ledger_eur": format_micro(stated.ledger_ueur),
        "rounding_eur": format_micro(stated.rounding_ueur),
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def as_pdf(document: Document) -> bytes:
    """A4 pages: whose, which month, the lines, VAT by rate, totals and the reconciliation with the ledger."""
    styles, stated = getSampleStyleSheet(), document.statement
    story: list[Any] = [Paragraph(document.title, styles["Title"])]
    told = [
        f"Member: {_escaped(document.member)}",
        f"Month: {stated.month:%B %Y} ({stated.timezone}); made on {stated.made_at:%Y-%m-%d} UTC",
    ]
    if document.corrected_number is not None:
        told.append(f"Corrects statement {document.corrected_number}: readings or deliveries were corrected since.")
    story += [Paragraph(text, styles["Normal"]) for text in told]
    story += [Spacer(1, 6 * mm), _lines_table(document, styles), Spacer(1, 6 * mm), _vat_table(document)]
    paid = "to be paid by the member; paid from the wallet" if stated.total_cents >= 0 else "paid to the member"
    reconciled = (
        f"The ledger moved {format_micro(stated.ledger_ueur)} EUR for these deliveries; rounding the lines to the cent "
        f"adds {format_micro(stated.rounding_ueur)} EUR. Amounts were settled with each delivery: nothing is due."
    )
    story += [Spacer(1, 6 * mm)]
    story += [Paragraph(f"<b>Total: {euros(stated.total_cents)} EUR</b> ({paid})", styles["Normal"])]
    story += [Spacer(1, 3 * mm), Paragraph(reconciled, styles["Normal"])]
    written = io.BytesIO()
    template = SimpleDocTemplate(written, pagesize=A4, title=document.title, author="Commonwatt", invariant=1)
    template.build(story)
    return written.getvalue()


def _lines_table(document: Document, styles: Any) -> Table:
    head = ["", "", "kWh", "EUR/kWh", "Net EUR", "VAT", "VAT EUR"]
    rows: list[list[Any]] = [head]
    for line in document.lines:
        what = f"{WHAT[line.side, line.kind]}<br/><font size=7>{_escaped(document.markets[line.market_id])}</font>"
        numbers = [format_micro(line.energy_ukwh), document.price(line), euros(line.net_cents)]
        vat = [f"{percent(line.vat_ppm)} %", euros(line.vat_cents)]
        rows.append([str(line.number), Paragraph(what, styles["Normal"]), *numbers, *vat])
    table = Table(rows, colWidths=[9 * mm, 58 * mm, 26 * mm, 24 * mm, 22 * mm, 14 * mm, 20 * mm], repeatRows=1)
    table.setStyle(_style())
    return table


def _vat_table(document: Document) -> Table:
    rows = [["VAT rate", "Net EUR", "VAT EUR"]]
    rows += [[f"{percent(rate)} %", euros(net), euros(vat)] for rate, (net, vat) in document.vat_by_rate.items()]
    rows.append(["Sum", euros(document.statement.net_cents), euros(document.statement.vat_cents)])
    table = Table(rows, colWidths=[30 * mm, 30 * mm, 30 * mm], hAlign="LEFT")
    table.setStyle(_style())
    return table


def _style() -> TableStyle:
    return TableStyle(
        [
            ("FONTSIZE", (0, 0), (-1, -1), 8),
            ("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black),
            ("LINEBELOW", (0, 1), (-1, -1), 0.2, colors.grey),
            ("ALIGN", (1, 0), (-1, -1), "RIGHT"),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ]
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MADE = {
    "pdf": (as_pdf, "application/pdf"),
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "json": (as_json, "application/json"),
}
