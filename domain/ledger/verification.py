"""Recompute what must hold of money (invariant I2), and tell every row where it does not.

What markets hold of users' money is compared with their orders in `domain.market.orders.verification`.
"""

from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from domain.kernel.verification import broken

GUARDS = "I2 money"

# Pending transfers that nothing has resolved yet.
OPEN = """open AS (
            SELECT transfer.id, transfer.kind FROM transfer
            LEFT JOIN transfer AS resolving ON resolving.resolves_id = transfer.id
            WHERE transfer.phase = 'PENDING' AND resolving.id IS NULL)"""

# Each query gives the rows that break the sentence before it: an id, and what is stored against what should be.
RULES: dict[str, str] = {
    "the entries of a transfer add up to zero": """
        SELECT transfer.id, count(entry.id) AS entries, sum(entry.amount_ueur) AS total
        FROM transfer FULL JOIN ledger_entry AS entry ON entry.transfer_id = transfer.id
        GROUP BY transfer.id
        HAVING transfer.id IS NULL OR count(entry.id) < 2 OR sum(entry.amount_ueur) <> 0""",
    "a balance is the sum of its entries": """
        SELECT coalesce(account.id, moved.account_id) AS id, account.kind, account.balance_ueur AS stored,
               coalesce(moved.amount_ueur, 0) AS entries
        FROM account FULL JOIN (
            SELECT account_id, sum(amount_ueur) AS amount_ueur FROM ledger_entry GROUP BY account_id) AS moved
            ON moved.account_id = account.id
        WHERE account.balance_ueur IS DISTINCT FROM coalesce(moved.amount_ueur, 0)""",
    "no user, no escrow and nothing on its way out is below zero, and no debt above": """
        SELECT id, kind, balance_ueur FROM account
        WHERE (balance_ueur < 0 AND kind IN ('AVAILABLE', 'HELD', 'ESCROW', 'PAYOUT'))
           OR (balance_ueur > 0 AND kind = 'RECEIVABLE')""",
    "what is resolved was pending, and is resolved once": """
        SELECT resolving.resolves_id, count(*) AS resolving, pending.phase
        FROM transfer AS resolving LEFT JOIN transfer AS pending ON pending.id = resolving.resolves_id
        WHERE resolving.resolves_id IS NOT NULL
        GROUP BY resolving.resolves_id, pending.phase
        HAVING count(*) > 1 OR pending.phase IS DISTINCT FROM 'PENDING'""",
    "escrow is what unresolved trades put there": f"""
        WITH {OPEN}, waiting AS (
            SELECT entry.account_id, sum(entry.amount_ueur) AS amount_ueur
            FROM open JOIN ledger_entry AS entry ON entry.transfer_id = open.id
            WHERE open.kind = 'ESCROW' GROUP BY entry.account_id)
        SELECT account.id, account.scope_id, account.balance_ueur AS stored,
               coalesce(waiting.amount_ueur, 0) AS unresolved
        FROM account LEFT JOIN waiting ON waiting.account_id = account.id
        WHERE account.kind = 'ESCROW' AND account.balance_ueur <> coalesce(waiting.amount_ueur, 0)""",  # noqa: S608 - made of constants.
    "what is on its way out is that of open withdrawals": f"""
        WITH {OPEN}, waiting AS (
            SELECT coalesce(sum(entry.amount_ueur), 0) AS amount_ueur
            FROM open JOIN ledger_entry AS entry ON entry.transfer_id = open.id
            JOIN account ON account.id = entry.account_id
            WHERE open.kind = 'WITHDRAWAL' AND account.kind = 'PAYOUT'), asked AS (
            SELECT coalesce(sum(amount_ueur), 0) AS amount_ueur FROM payment
            WHERE kind = 'WITHDRAWAL' AND closed_at IS NULL)
        SELECT account.id, account.balance_ueur AS stored, waiting.amount_ueur AS unresolved, asked.amount_ueur AS asked
        FROM account, waiting, asked
        WHERE account.kind = 'PAYOUT'
          AND (account.balance_ueur <> waiting.amount_ueur OR account.balance_ueur <> asked.amount_ueur)""",  # noqa: S608 - made of constants.
    "a payment moves its amount when it succeeds, and what was set aside is given back when it does not": """
        SELECT payment.id, payment.kind, payment.status, payment.amount_ueur, moved.into_platform, moved.set_aside
        FROM payment LEFT JOIN (
            SELECT transfer.subject_id,
                   coalesce(sum(-entry.amount_ueur) FILTER (WHERE account.kind = 'EXTERNAL'), 0) AS into_platform,
                   coalesce(sum(entry.amount_ueur) FILTER (WHERE account.kind = 'PAYOUT'), 0) AS set_aside
            FROM transfer JOIN ledger_entry AS entry ON entry.transfer_id = transfer.id
            JOIN account ON account.id = entry.account_id
            WHERE transfer.subject_type = 'Payment' GROUP BY transfer.subject_id) AS moved
            ON moved.subject_id = payment.id
        WHERE coalesce(moved.into_platform, 0) <> CASE
                  WHEN payment.status <> 'SUCCEEDED' THEN 0
                  WHEN payment.kind = 'DEPOSIT' THEN payment.amount_ueur ELSE -payment.amount_ueur END
           OR coalesce(moved.set_aside, 0) <> CASE
                  WHEN payment.kind = 'WITHDRAWAL' AND payment.closed_at IS NULL THEN payment.amount_ueur ELSE 0 END""",
    "a payment that succeeded has one answer, and one that is open has none": """
        SELECT payment.id, payment.status, count(payment_event.id) AS answers
        FROM payment LEFT JOIN payment_event ON payment_event.payment_id = payment.id
        GROUP BY payment.id
        HAVING (payment.status = 'SUCCEEDED' AND count(payment_event.id) <> 1)
            OR (payment.status <> 'SUCCEEDED' AND payment.status <> 'FAILED' AND count(payment_event.id) <> 0)
            OR count(payment_event.id) > 1""",
}


async def breaches(session: AsyncSession) -> AsyncIterator[str]:
    """Every row that breaks a rule, with the rule."""
    async for breach in broken(session, RULES):
        yield breach
