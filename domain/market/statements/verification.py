"""What must hold of statements, as queries for the rows where it does not."""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import broken

GUARDS = "I1 energy, market"

# Each query gives the rows that break the sentence before it: an id, and what is stored against what should be.
RULES: dict[str, str] = {
    "a statement is the sum of its lines": """
        SELECT stated.id, stated.ledger_ueur, summed.ledger_ueur AS of_lines, stated.net_cents,
               summed.net_cents AS cents_of_lines
        FROM account_statement AS stated LEFT JOIN (
            SELECT statement_id, sum(net_ueur + vat_ueur) AS ledger_ueur, sum(net_cents) AS net_cents,
                   sum(vat_cents) AS vat_cents
            FROM statement_line GROUP BY statement_id) AS summed ON summed.statement_id = stated.id
        WHERE (stated.ledger_ueur, stated.net_cents, stated.vat_cents)
              IS DISTINCT FROM (summed.ledger_ueur, summed.net_cents, summed.vat_cents)""",
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule, with the rule."""
    async for breach in broken(session, RULES):
        yield breach
