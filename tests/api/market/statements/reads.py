"""How the compiled path and random operations read this room."""

from tests.api.engine.declared import Reads

READS = Reads(
    kept=frozenset(
        {
            "account_statement.net_cents",  # Shown in micro-EUR.
            "account_statement.vat_cents",
            "account_statement.total_cents",
            "statement_line.net_cents",
            "statement_line.vat_cents",
            "account_statement.ledger_ueur",  # Sums that have to agree.
            "account_statement.rounding_ueur",
        }
    )
)
