"""Rows of monthly statements, for tests of what is shown of them."""

from datetime import date, datetime
from uuid import UUID

from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide
from domain.market.statements.tables import AccountStatement, StatementKind, StatementLine


def a_statement(user_id: UUID, month: date, at: datetime) -> AccountStatement:
    """A statement of 0.12 EUR."""
    cents = {"net_cents": 10, "vat_cents": 2, "total_cents": 12}
    exact = {"ledger_ueur": 119_000, "rounding_ueur": 1_000}
    return AccountStatement(
        user_id=user_id, kind=StatementKind.STATEMENT, month=month, timezone="UTC", made_at=at, **cents, **exact
    )


def a_statement_line(statement_id: UUID, number: int, market_id: UUID) -> StatementLine:
    """A line for 1 kWh that was bought."""
    return StatementLine(
        statement_id=statement_id,
        number=number,
        market_id=market_id,
        side=OrderSide.BUY,
        kind=LineKind.ENERGY,
        energy_ukwh=1_000_000,
        net_ueur=100_000,
        vat_ppm=190_000,
        vat_ueur=19_000,
        net_cents=10,
        vat_cents=2,
    )
