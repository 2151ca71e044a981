"""What the database itself refuses of money, whoever asks; and that writers never wait for each other in a circle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from domain.kernel.database import new_id
from domain.ledger import accounts, transfers
from domain.ledger.tables import Account, AccountKind, Entry, Transfer, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from tests.conftest import AS_THE_APPLICATION
from tests.factories.communities import a_community
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_deposit, the_wallet
from tests.factories.market import a_market, now

CHECK = text("SET CONSTRAINTS ALL IMMEDIATE")


async def balances(session: AsyncSession) -> dict[tuple[str, UUID], int]:
    """All balances that are not zero, by kind and holder."""
    query = select(Account.kind, Account.holder_id, Account.balance_ueur).where(Account.balance_ueur != 0)
    return {(kind.value, holder): balance for kind, holder, balance in await session.execute(query)}


@asynccontextmanager
async def nothing_changes(session: AsyncSession, says: str) -> AsyncIterator[None]:
    """What is done within is refused with these words, and leaves the ledger as it was."""
    before = await balances(session), await session.scalar(select(func.count()).select_from(Transfer))
    with pytest.raises(DBAPIError, match=says):  # noqa: PT012 - what is refused is the body of the caller's `async with`.
        async with session.begin_nested():
            yield
            await session.execute(CHECK)
    await session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
    assert (await balances(session), await session.scalar(select(func.count()).select_from(Transfer))) == before


async def posted(session: AsyncSession, amounts: dict[UUID, int], **facts: Any) -> NewTransfer:
    given: dict[str, Any] = {"kind": TransferKind.HOLD, "reference": f"test:{new_id()}"} | facts
    transfer = NewTransfer(amounts_ueur=amounts, **given)
    await transfers.post(session, [transfer], actor="test", now=now())
    return transfer


async def insert_transfer(session: AsyncSession, entries: dict[UUID, int]) -> UUID:
    """A transfer written past the rules of Python."""
    transfer = Transfer(
        kind=TransferKind.HOLD, phase=TransferPhase.POSTED, reference=f"test:{new_id()}", actor="test", made_at=now()
    )
    session.add(transfer)
    await session.flush()
    if entries:
        await insert_entries(session, transfer.id, entries)
    return transfer.id


async def insert_entries(session: AsyncSession, transfer_id: UUID, entries: dict[UUID, int]) -> None:
    statement = text(
        "INSERT INTO ledger_entry (id, transfer_id, account_id, holder_id, amount_ueur) "
        "SELECT gen_random_uuid(), CAST(:transfer AS uuid), account.id, account.holder_id, amount "
        "FROM unnest(CAST(:accounts AS uuid[]), CAST(:amounts AS bigint[])) AS given (id, amount) "
        "JOIN account ON account.id = given.id"
    )
    given = {"transfer": transfer_id, "accounts": list(entries), "amounts": list(entries.values())}
    await session.execute(statement, given)


async def test_accounts_come_with_the_thing_they_belong_to(session: AsyncSession) -> None:
    user, market, community = await a_user(session), await a_market(session), await a_community(session)

    query = select(Account.kind, Account.owner_id, Account.scope_id, Account.balance_ueur)
    of_user = (await session.execute(query.where(Account.owner_id == user.id))).all()
    of_market = (await session.execute(query.where(Account.scope_id == market))).all()
    of_community = (await session.execute(query.where(Account.scope_id == community.id))).all()

    assert {tuple(row) for row in of_user} == {
        (kind, user.id, None, 0) for kind in (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.RECEIVABLE)
    }
    assert {row.kind for row in of_market} == {
        AccountKind.ESCROW,
        AccountKind.FEE,
        AccountKind.GRID,
        AccountKind.TAX,
        AccountKind.ROUNDING,
    }
    assert [tuple(row) for row in of_community] == [(AccountKind.COMMUNITY_FUND, None, community.id, 0)]


async def test_a_transfer_moves_balances_and_is_listed_under_its_holders(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_deposit(session, user.id, "25")
    wallet = await the_wallet(session, user.id)

    transfer = await posted(session, {wallet.available_id: -10 * EUR, wallet.held_id: 10 * EUR})
    await session.execute(CHECK)

    wallet = await the_wallet(session, user.id)
    listed = select(Entry.amount_ueur).where(Entry.holder_id == user.id).order_by(Entry.id)
    assert (wallet.available_ueur, wallet.held_ueur, wallet.receivable_ueur) == (15 * EUR, 10 * EUR, 0)
    assert list(await session.scalars(listed)) == [25 * EUR, -10 * EUR, 10 * EUR]
    assert await transfers.used(session, TransferKind.HOLD, [transfer.reference, "another"]) == {
        transfer.reference: transfer.id
    }


async def test_empty_transfers_are_not_stored(session: AsyncSession) -> None:
    wallet = await the_wallet(session, (await a_user(session)).id)

    await posted(session, {wallet.available_id: 0, wallet.held_id: 0})

    assert await session.scalar(select(func.count()).select_from(Transfer)) == 0


async def test_refuses_entries_that_do_not_add_up(session: AsyncSession) -> None:
    wallet = await the_wallet(session, (await a_user(session)).id)

    async with nothing_changes(session, "entries that add up to"):
        await insert_transfer(session, {wallet.available_id: 3, wallet.held_id: -2 + 4})
    async with nothing_changes(session, "has 1 entries"):
        await insert_transfer(session, {wallet.available_id: 3})
    async with nothing_changes(session, "has 0 entries"):
        await insert_transfer(session, {})


async def test_refuses_an_entry_of_nothing(session: AsyncSession) -> None:
    wallet = await the_wallet(session, (await a_user(session)).id)

    async with nothing_changes(session, "not_zero"):
        await insert_transfer(session, {wallet.available_id: 0, wallet.held_id: 0})


async def test_refuses_entries_that_come_later(session: AsyncSession) -> None:
    first, second = await a_user(session), await a_user(session)
    transfer_id = await a_deposit(session, first.id)
    wallet = await the_wallet(session, second.id)
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    market = await a_market(session)
    query = select(Account.id).where(Account.scope_id == market, Account.kind == AccountKind.FEE)
    fee_id = (await session.scalars(query)).one()

    async with nothing_changes(session, "takes no more entries"):
        await insert_entries(session, transfer_id, {wallet.available_id: 5, fee_id: -5})
    async with nothing_changes(session, "uq_ledger_entry"):
        await insert_entries(session, transfer_id, {external_id: -5, wallet.available_id: 5})


async def test_refuses_an_entry_under_another_holder(session: AsyncSession) -> None:
    user, other = await a_user(session), await a_user(session)
    wallet = await the_wallet(session, user.id)

    async with nothing_changes(session, "no such transfer, account or holder"):
        transfer_id = await insert_transfer(session, {})
        await session.execute(
            text("INSERT INTO ledger_entry VALUES (gen_random_uuid(), :transfer, :account, :holder, 5)"),
            {"transfer": transfer_id, "account": wallet.available_id, "holder": other.id},
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET actor = 'nobody'",
        "DELETE FROM transfer",
        "UPDATE ledger_entry SET amount_ueur = 2 * amount_ueur",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry",
        "UPDATE account SET balance_ueur = balance_ueur + 1",
        "UPDATE account SET owner_id = NULL",
        "UPDATE account SET id = gen_random_uuid()",
        "DELETE FROM account",
        "INSERT INTO account (id, kind, balance_ueur) VALUES (gen_random_uuid(), 'FEE', 5)",
    ],
)
async def test_the_application_cannot_edit_what_is_written(session: AsyncSession, statement: str) -> None:
    await a_deposit(session, (await a_user(session)).id)

    async with nothing_changes(session, "permission denied"):
        await session.execute(text(statement))


@pytest.mark.parametrize("table", ["transfer", "ledger_entry"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_owner_of_the_tables_edits_history(
    session: AsyncSession, table: str, statement: str
) -> None:
    await a_deposit(session, (await a_user(session)).id)
    await session.execute(CHECK)  # A table with checks to come cannot be truncated anyway.
    await session.execute(text("SET LOCAL ROLE NONE"))

    async with nothing_changes(session, "append-only"):
        await session.execute(text(statement.format(table)))


@pytest.mark.parametrize("kind", ["available", "held"])
async def test_no_account_of_a_user_is_overdrawn(session: AsyncSession, kind: str) -> None:
    user = await a_user(session)
    await a_deposit(session, user.id, "10")
    wallet = await the_wallet(session, user.id)
    if kind == "held":
        await posted(session, {wallet.available_id: -10 * EUR, wallet.held_id: 10 * EUR})
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)

    async with nothing_changes(session, "ck_account_never_negative"):
        await posted(session, {getattr(wallet, f"{kind}_id"): -10 * EUR - 1, external_id: 10 * EUR + 1})


async def test_escrow_and_payout_are_not_overdrawn_and_nobody_is_owed_a_debt(session: AsyncSession) -> None:
    user, market = await a_user(session), await a_market(session)
    wallet = await the_wallet(session, user.id)
    external_id, payout_id = [
        await accounts.platform(session, kind) for kind in (AccountKind.EXTERNAL, AccountKind.PAYOUT)
    ]
    escrow_id = (await accounts.hold(session, [], [market])).of_scope[market, AccountKind.ESCROW]

    for account_id in (escrow_id, payout_id):
        async with nothing_changes(session, "ck_account_never_negative"):
            await posted(session, {account_id: -1, external_id: 1})
    async with nothing_changes(session, "ck_account_receivable"):
        await posted(session, {wallet.receivable_id: 1, external_id: -1})
    await posted(session, {wallet.receivable_id: -1, external_id: 1})

    assert (await the_wallet(session, user.id)).receivable_ueur == -1


async def test_a_reference_is_used_once_per_kind(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_deposit(session, user.id)
    wallet = await the_wallet(session, user.id)
    there = {wallet.available_id: -EUR, wallet.held_id: EUR}
    back = {account_id: -amount for account_id, amount in there.items()}
    await posted(session, there, reference="order:1")
    await posted(session, back, reference="order:1", kind=TransferKind.RELEASE)

    async with nothing_changes(session, "uq_transfer_reference"):
        await posted(session, there, reference="order:1")


async def test_a_pending_transfer_is_resolved_once(session: AsyncSession) -> None:
    user = await a_user(session)
    await a_deposit(session, user.id)
    wallet = await the_wallet(session, user.id)
    there = {wallet.available_id: -EUR, wallet.held_id: EUR}
    back = {account_id: -amount for account_id, amount in there.items()}
    pending = await posted(session, there, phase=TransferPhase.PENDING)
    first = await posted(session, back, phase=TransferPhase.VOIDING, resolves_id=pending.id)

    async with nothing_changes(session, "uq_transfer_resolves_id"):
        await posted(session, there, resolves_id=pending.id)
    async with nothing_changes(session, "resolves one that is not pending"):
        await posted(session, there, resolves_id=first.id)
    async with nothing_changes(session, "ck_transfer_voiding"):
        await posted(session, there, phase=TransferPhase.VOIDING)
    async with nothing_changes(session, "ck_transfer_pending"):
        await posted(session, there, phase=TransferPhase.PENDING, resolves_id=first.id)


# Several transactions at once.


@pytest.fixture
async def several(fresh_database: str) -> AsyncIterator[async_sessionmaker[AsyncSession]]:
    engine: AsyncEngine = create_async_engine(fresh_database, pool_size=8, connect_args=AS_THE_APPLICATION)
    yield async_sessionmaker(engine, expire_on_commit=False)
    await engine.dispose()


async def test_deposits_at_once_never_wait_for_each_other_in_a_circle(
    several: async_sessionmaker[AsyncSession],
) -> None:
    """All of them want the platform's account, which nobody holds beforehand."""
    async with several.begin() as session:
        users = [(await a_user(session)).id for _ in range(8)]

    async def deposits(user_id: UUID) -> None:
        for _ in range(20):
            async with several.begin() as session:
                await a_deposit(session, user_id, "1")

    await asyncio.gather(*map(deposits, users))

    async with several.begin() as session:
        external_id = await accounts.platform(session, AccountKind.EXTERNAL)
        expected = {("AVAILABLE", user_id): 20 * EUR for user_id in users} | {("EXTERNAL", external_id): -160 * EUR}
        assert await balances(session) == expected


async def test_of_two_who_spend_the_same_money_at_once_one_is_refused(
    several: async_sessionmaker[AsyncSession],
) -> None:
    async with several.begin() as session:
        user_id = (await a_user(session)).id
        await a_deposit(session, user_id, "10")

    async def spend() -> bool:
        async with several.begin() as session:
            wallet = await the_wallet(session, user_id)
            if wallet.available_ueur < 7 * EUR:
                return False
            await posted(session, {wallet.available_id: -7 * EUR, wallet.held_id: 7 * EUR})
            return True

    spent = await asyncio.gather(spend(), spend(), spend())

    async with several.begin() as session:
        wallet = await the_wallet(session, user_id)
    assert sorted(spent) == [False, False, True]
    assert (wallet.available_ueur, wallet.held_ueur) == (3 * EUR, 7 * EUR)
