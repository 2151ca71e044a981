"""keep accounts: transfers whose entries add up to zero, carried into balances by the database itself

Revision ID: ledger
Revises: lz4
Create Date: 2026-11-21 15:00:00
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "ledger"
down_revision: str | None = "lz4"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ACCOUNT_KINDS = (
    "AVAILABLE",
    "HELD",
    "RECEIVABLE",
    "ESCROW",
    "FEE",
    "GRID",
    "TAX",
    "ROUNDING",
    "COMMUNITY_FUND",
    "PAYOUT",
    "EXTERNAL",
)
TRANSFER_KINDS = (
    "DEPOSIT",
    "WITHDRAWAL",
    "PAYOUT",
    "HOLD",
    "RELEASE",
    "ESCROW",
    "SETTLEMENT",
    "CORRECTION",
    "REPAYMENT",
)
PHASES = ("POSTED", "PENDING", "VOIDING")
APPEND_ONLY = ("transfer", "ledger_entry")

# Deferred: by the end of its transaction each transfer has entries, they add up to zero, and what it resolves waited.
# It runs once for each transfer, so it is one query, and needs neither another's rights nor a search path of its own; its plan is by index.
CHECK_TRANSFER = """
CREATE FUNCTION check_transfer() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET plan_cache_mode = force_generic_plan AS $$
DECLARE
  total numeric;
  entries bigint;
  waited boolean;
BEGIN
  SELECT sum(amount_ueur), count(*), NEW.resolves_id IS NULL
         OR EXISTS (SELECT FROM public.transfer WHERE id = NEW.resolves_id AND phase = 'PENDING')
  INTO total, entries, waited FROM public.ledger_entry WHERE transfer_id = NEW.id;
  IF entries < 2 OR total <> 0 THEN
    RAISE EXCEPTION 'transfer % has % entries that add up to %', NEW.id, entries, total USING ERRCODE = 'check_violation';
  END IF;
  IF NOT waited THEN
    RAISE EXCEPTION 'transfer % resolves one that is not pending', NEW.id USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$
"""

# All entries of a transfer come in one statement, and move the balances of their accounts. Accounts are locked in the
# order of their ids, so that two transactions that move money never wait for each other. Transfers, accounts and holders
# of entries are looked up here, for all entries of a statement at once: foreign keys, which look for each entry, took a
# third of a settlement. A plan is kept from the first use on, when tables may be small, so it has to go by the indexes.
CARRY_ENTRIES = """
CREATE FUNCTION carry_entries() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
  IF EXISTS (SELECT FROM (SELECT DISTINCT account_id, holder_id FROM entered) AS touched
             LEFT JOIN account ON account.id = account_id AND account.holder_id = touched.holder_id
             WHERE account.id IS NULL)
     OR EXISTS (SELECT FROM (SELECT DISTINCT transfer_id FROM entered) AS moved
                LEFT JOIN transfer ON transfer.id = transfer_id WHERE transfer.id IS NULL) THEN
    RAISE EXCEPTION 'an entry has no such transfer, account or holder' USING ERRCODE = 'foreign_key_violation';
  END IF;
  IF (SELECT count(*) FROM ledger_entry WHERE transfer_id IN (SELECT transfer_id FROM entered))
     <> (SELECT count(*) FROM entered) THEN
    RAISE EXCEPTION 'a transfer takes no more entries' USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM FROM account WHERE id IN (SELECT account_id FROM entered) ORDER BY id FOR NO KEY UPDATE;
  UPDATE account SET balance_ueur = balance_ueur + moved.amount_ueur
  FROM (SELECT account_id, sum(amount_ueur)::bigint AS amount_ueur FROM entered GROUP BY account_id) AS moved
  WHERE account.id = moved.account_id AND moved.amount_ueur <> 0;
  RETURN NULL;
END $$
"""

# Accounts come with the thing they belong to.
OPEN_ACCOUNTS = """
CREATE FUNCTION open_accounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO account (id, kind, owner_id, scope_id)
  SELECT gen_random_uuid(), kind, CASE WHEN TG_TABLE_NAME = 'user_account' THEN NEW.id END,
         CASE WHEN TG_TABLE_NAME <> 'user_account' THEN NEW.id END
  FROM unnest(TG_ARGV) AS kind;
  RETURN NULL;
END $$
"""
OPENED = {
    "user_account": ("AVAILABLE", "HELD", "RECEIVABLE"),
    "market": ("ESCROW", "FEE", "GRID", "TAX", "ROUNDING"),
    "community": ("COMMUNITY_FUND",),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*ACCOUNT_KINDS, name="accountkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("scope_id", sa.Uuid(), nullable=True),
        sa.Column("holder_id", sa.Uuid(), sa.Computed("coalesce(owner_id, id)", persisted=True), nullable=False),
        sa.Column("balance_ueur", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "balance_ueur >= 0 OR kind NOT IN ('AVAILABLE', 'HELD', 'ESCROW', 'PAYOUT')", name="never_negative"
        ),
        sa.CheckConstraint("balance_ueur <= 0 OR kind <> 'RECEIVABLE'", name="receivable"),
        sa.CheckConstraint("(owner_id IS NULL) = (kind NOT IN ('AVAILABLE', 'HELD', 'RECEIVABLE'))", name="owner"),
        sa.ForeignKeyConstraint(["owner_id"], ["user_account.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner_id", "scope_id", "kind", postgresql_nulls_not_distinct=True),
        sa.UniqueConstraint("id", "holder_id"),
    )
    op.create_index("ix_account_scope_id", "account", ["scope_id"])
    op.create_index("ix_account_unowned", "account", ["id"], postgresql_where=sa.text("owner_id IS NULL"))
    op.create_table(
        "transfer",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*TRANSFER_KINDS, name="transferkind", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "phase",
            sa.Enum(*PHASES, name="transferphase", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("resolves_id", sa.Uuid(), nullable=True),
        sa.Column("subject_type", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(phase = 'VOIDING') <= (resolves_id IS NOT NULL)", name="voiding"),
        sa.CheckConstraint("phase <> 'PENDING' OR resolves_id IS NULL", name="pending"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("reference", "kind"),
    )
    op.create_index(
        "uq_transfer_resolves_id",
        "transfer",
        ["resolves_id"],
        unique=True,
        postgresql_where=sa.text("resolves_id IS NOT NULL"),
    )
    op.create_index("ix_transfer_subject_id", "transfer", ["subject_id"])
    op.create_table(
        "ledger_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("transfer_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("amount_ueur", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount_ueur <> 0", name="not_zero"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("transfer_id", "account_id"),
    )
    op.create_index("ix_ledger_entry_holder_id", "ledger_entry", ["holder_id", "id"])
    op.execute(CHECK_TRANSFER)
    op.execute(
        "CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON transfer DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_transfer()"
    )
    op.execute(CARRY_ENTRIES)
    op.execute(
        "CREATE TRIGGER carry_entries AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS entered FOR EACH STATEMENT EXECUTE FUNCTION carry_entries()"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO commonwatt_app")
    # To lock a row takes the right to update some column of it: this one tells nothing of money.
    op.execute("GRANT SELECT, UPDATE (created_at) ON account TO commonwatt_app")
    op.execute(OPEN_ACCOUNTS)
    for table, kinds in OPENED.items():
        names = ", ".join(f"'{kind}'" for kind in kinds)
        op.execute(
            f"CREATE TRIGGER open_accounts AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION open_accounts({names})"
        )
        holder = "owner_id" if table == "user_account" else "scope_id"
        op.execute(
            f"INSERT INTO account (id, kind, {holder}) SELECT gen_random_uuid(), opened.kind, {table}.id FROM {table}, unnest(ARRAY[{names}]) AS opened (kind)"  # noqa: S608 - made of constants.
        )
    op.execute("INSERT INTO account (id, kind) VALUES (gen_random_uuid(), 'EXTERNAL'), (gen_random_uuid(), 'PAYOUT')")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in OPENED:
        op.execute(f"DROP TRIGGER open_accounts ON {table}")
    for table in ("ledger_entry", "transfer", "account"):
        op.drop_table(table)
    for function in ("open_accounts", "carry_entries", "check_transfer"):
        op.execute(f"DROP FUNCTION {function}()")
