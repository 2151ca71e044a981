"""A few accounts of the platform among those of users, and a thousand entries for each."""

from tests.api.engine.declared import ROOT, Tall

TALL = Tall(
    values={
        "account.kind": "CASE WHEN n % 4 = 0 THEN 'FEE' ELSE 'AVAILABLE' END",
        "account.owner_id": "CASE WHEN n % 4 <> 0 THEN pg_temp.key(n) END",
        "account.scope_id": "CASE WHEN n % 4 = 0 THEN pg_temp.key(n) END",
        "account.balance_ueur": "0",
        "payment.amount_ueur": "10000",
        "payment.failure_reason": "NULL",
    },
    below={"ledger_entry.holder_id": 1_000, "payment.owner_id": 50},
    walked={
        "Query.ledgerAccounts": ROOT  # By an index of those that no user owns.
    },
)
