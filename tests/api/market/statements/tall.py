"""A statement for each month, with ten lines."""

from tests.api.engine.declared import Tall

TALL = Tall(
    values={
        "account_statement.month": "date '2026-01-01' + n % 9000 / 30 * interval '1 month'",
        "account_statement.kind": "'CREDIT_NOTE'",
        "account_statement.total_cents": "2",
        "account_statement.ledger_ueur": "19999",
        "statement_line.number": "1 + n % 50",
    },
    below={"account_statement.user_id": 50, "statement_line.statement_id": 10},
)
