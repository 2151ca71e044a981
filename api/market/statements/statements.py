"""Monthly statements over GraphQL."""

from datetime import date

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.graphql.scalars import Date, DateTime, Micro
from api.graphql.words import describe
from api.resources import clock
from domain.jobs import queue
from domain.kernel.errors import InvalidValue, NotAllowed
from domain.market.places.charges import LineKind
from domain.market.places.tables import OrderSide
from domain.market.statements import visibility
from domain.market.statements.tables import AccountStatement as StatementTable
from domain.market.statements.tables import StatementKind
from domain.market.statements.tables import StatementLine as LineTable
from domain.market.statements.words import MAKE_STATEMENTS

UEUR_PER_CENT = 10_000
describe(
    StatementKind,
    "What a document does.",
    STATEMENT="States what a month came to.",
    CREDIT_NOTE="Corrects a month that was stated, after corrected readings; it may also ask for more.",
)


@entity(LineTable, visible=visibility.statement_lines)
class StatementLine(Node):
    """One thing bought, sold, charged or owed in a month. Visible to whose statement it is, and to platform
    administrators."""

    number: int = column(LineTable.number, "Place in the document, from 1.")
    market = edge(LineTable.market_id, "Market", "The market it was traded in.")
    side: OrderSide = column(LineTable.side, "Whether the member bought or sold.")
    kind: LineKind = column(LineTable.kind, "What it is for.")
    energy_ukwh: Micro = column(LineTable.energy_ukwh, "Quantity, kWh.", name="energyKwh")
    net_ueur: Micro = column(LineTable.net_ueur, "Exact net sum as the ledger moved it, EUR.", name="exactNet")
    vat_ppm: Micro = column(LineTable.vat_ppm, "Rate of VAT, as a share from 0 to 1.", name="vatRate")
    net_cents: Micro = column(
        LineTable.net_cents * UEUR_PER_CENT, "Net, rounded half-up to the cent, EUR; negative is paid out.", name="net"
    )
    vat_cents: Micro = column(
        LineTable.vat_cents * UEUR_PER_CENT, "VAT on the rounded net, rounded half-up to the cent, EUR.", name="vat"
    )


@entity(StatementTable, visible=visibility.statements)
class AccountStatement(Node):
    """What a member's deliveries of a local month came to; never changes. Visible to the member and to platform
    administrators. The same as PDF, CSV and JSON: GET /v1/statements?number=17&format=pdf."""

    number: int = column(StatementTable.sequence, "Its number, unique on the platform.")
    kind: StatementKind = column(StatementTable.kind, "Whether it states a month or corrects one.")
    corrects = edge(
        StatementTable.corrects_id, "AccountStatement", "The statement that a credit note corrects.", is_optional=True
    )
    month: Date = column(StatementTable.month, "First day of the month.")
    timezone: str = column(StatementTable.timezone, "Time zone whose month it is.")
    net_cents: Micro = column(StatementTable.net_cents * UEUR_PER_CENT, "Sum of the lines' net, EUR.", name="net")
    vat_cents: Micro = column(StatementTable.vat_cents * UEUR_PER_CENT, "Sum of the lines' VAT, EUR.", name="vat")
    total_cents: Micro = column(
        StatementTable.total_cents * UEUR_PER_CENT, "Net and VAT, EUR; positive was paid by the member.", name="total"
    )
    ledger_ueur: Micro = column(
        StatementTable.ledger_ueur, "Exact sum that the ledger moved for it, EUR.", name="ledgerTotal"
    )
    rounding_ueur: Micro = column(
        StatementTable.rounding_ueur, "What rounding to cents adds to the ledger's sum, EUR.", name="rounding"
    )
    made_at: DateTime = column(StatementTable.made_at, "When it became final.")
    lines = many("StatementLine", "Its lines, in order.", on=LineTable.statement_id)


@strawberry.input(description="A month to state.")
class MakeStatementsInput:
    month: Date = strawberry.field(description="First day of a month that is over.")


@strawberry.type(description="The job that states a month.")
class MakeStatementsPayload(Payload):
    job = edge(None, "Job", "The job.")


@strawberry.type
class StatementViewer:
    statements = many(
        "AccountStatement",
        "Monthly statements and credit notes of the viewer, oldest first.",
        visible=visibility.own_statements,
    )


@strawberry.type
class StatementMutations:
    @mutation(
        "State a month of all members whose deliveries are settled, and correct what was stated before; it is done "
        "every day by itself. Administrators only."
    )
    async def make_statements(self, info: Info, input: MakeStatementsInput) -> MakeStatementsPayload:
        viewer, month = info.context.caller, input.month
        if not viewer.is_admin:
            raise NotAllowed("make statements")
        if month.day != 1:
            raise InvalidValue(("month",), "Give the first day of the month.")
        if month >= date(clock.now().year, clock.now().month, 1):
            raise InvalidValue(("month",), "The month is not over.")
        arguments = {"month": month.isoformat(), "actor": viewer.key}
        async with info.context.transaction() as session:
            job_id = await queue.enqueue_again(
                session,
                MAKE_STATEMENTS,
                f"statements:{month:%Y-%m}",
                arguments,
                owner_id=viewer.user_id,
            )
        return leading(MakeStatementsPayload(), job=job_id)
