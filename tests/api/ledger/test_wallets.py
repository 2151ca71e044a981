"""Wallets over GraphQL: what one has, what moved, and payments."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.ledger import answers, payments, transfers
from domain.ledger.tables import Payment, PaymentKind, Transfer, TransferKind
from domain.ledger.transfers import NewTransfer
from tests.api.conftest import Execute
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_debt, a_deposit, a_payment, a_submitted_payment, an_answer, the_wallet
from tests.factories.market import ADMIN, a_market, now

DEPOSIT = """
mutation Deposit($input: RequestDepositInput!) { requestDeposit(input: $input) {
  payment { id kind status amount failureReason closedAt owner { name } } errors { __typename code path
    ... on AmountNotAllowed { lowest highest } ... on PaymentLimitReached { limit used }
    ... on IdempotencyConflict { key } } } }
"""
WITHDRAW = """
mutation Withdraw($input: RequestWithdrawalInput!) { requestWithdrawal(input: $input) {
  payment { kind status amount } errors { __typename code
    ... on InsufficientFunds { required available } } } }
"""
CANCEL = """
mutation Cancel($id: ID!) { cancelPayment(input: {id: $id}) {
  payment { status closedAt } errors { __typename code path ... on PaymentClosed { status } } } }
"""
WALLET = """
{ viewer { wallet { available held receivable
  entries(first: 50) { totalCount edges { node {
    amount account { kind balance } transfer { kind phase subject { __typename id } resolves { kind } } } } }
  payments { totalCount edges { node { kind status amount failureReason } } } } } }
"""


async def a_payer(session: AsyncSession, eur: str = "") -> Viewer:
    payer = Viewer(user_id=(await a_user(session)).id)
    if eur:
        assert payer.user_id is not None
        await a_deposit(session, payer.user_id, eur)
    return payer


def owner_of(viewer: Viewer) -> UUID:
    assert viewer.user_id is not None
    return viewer.user_id


def an_input(amount: str, key: str = "a key") -> dict[str, Any]:
    return {"idempotencyKey": key, "amount": amount}


async def count(session: AsyncSession, table: Any = Payment) -> int:
    return int(await session.scalar(select(func.count()).select_from(table)) or 0)


async def test_a_deposit_is_asked_for_once(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session)

    first = await execute(DEPOSIT, payer, input=an_input("25.5"))
    again = await execute(DEPOSIT, payer, input=an_input("25.5"))
    other = await execute(DEPOSIT, payer, input=an_input("26"))

    payment = first.data["requestDeposit"]["payment"]
    assert first.errors == []
    assert payment == {
        "id": payment["id"],
        "kind": "DEPOSIT",
        "status": "REQUESTED",
        "amount": "25.5",
        "failureReason": None,
        "closedAt": None,
        "owner": {"name": "Ada"},
    }
    assert again.data == first.data
    assert await count(session) == 1
    assert other.refusals("requestDeposit") == [
        {
            "__typename": "IdempotencyConflict",
            "code": "IDEMPOTENCY_KEY_REUSED",
            "path": ["idempotencyKey"],
            "key": "a key",
        }
    ]


@pytest.mark.parametrize(
    ("amount", "lowest", "highest"),
    [("0", "1", "5000"), ("-1", "1", "5000"), ("5000.01", "1", "5000"), ("25.001", None, None)],
)
async def test_amounts_that_are_refused(
    session: AsyncSession, execute: Execute, amount: str, lowest: str | None, highest: str | None
) -> None:
    answer = await execute(DEPOSIT, await a_payer(session), input=an_input(amount))

    assert answer.refusals("requestDeposit") == [
        {
            "__typename": "AmountNotAllowed",
            "code": "INVALID_INPUT",
            "path": ["amount"],
            "lowest": lowest,
            "highest": highest,
        }
    ]
    assert await count(session) == 0


async def test_a_limit_is_told_with_what_was_used(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session)
    for _ in range(2):
        await a_payment(session, payer, PaymentKind.DEPOSIT, "4999", at=now() - timedelta(hours=1))

    answer = await execute(DEPOSIT, payer, input=an_input("2.01"))

    assert answer.refusals("requestDeposit") == [
        {
            "__typename": "PaymentLimitReached",
            "code": "PAYMENT_LIMIT_REACHED",
            "path": ["amount"],
            "limit": "10000",
            "used": "9998",
        }
    ]


async def test_money_is_set_aside_for_a_withdrawal_and_given_back_when_it_is_stopped(
    session: AsyncSession, execute: Execute
) -> None:
    payer = await a_payer(session, "30")
    asked = await execute(WITHDRAW, payer, input=an_input("25"))
    set_aside = (await execute(WALLET, payer)).data["viewer"]["wallet"]
    payment_id = (await session.scalars(select(Payment.id))).one()

    stopped = await execute(CANCEL, payer, id=global_id("Payment", payment_id))
    wallet = (await execute(WALLET, payer)).data["viewer"]["wallet"]

    assert asked.data["requestWithdrawal"] == {
        "payment": {"kind": "WITHDRAWAL", "status": "REQUESTED", "amount": "25"},
        "errors": [],
    }
    assert (set_aside["available"], wallet["available"]) == ("5", "30")
    assert stopped.data["cancelPayment"]["payment"]["status"] == "CANCELLED"
    assert stopped.data["cancelPayment"]["payment"]["closedAt"] is not None
    subject = {"__typename": "Payment", "id": global_id("Payment", payment_id)}
    available = {"kind": "AVAILABLE", "balance": "30"}
    assert [edge["node"] for edge in wallet["entries"]["edges"]] == [
        {
            "amount": "30",
            "account": available,
            "transfer": {"kind": "DEPOSIT", "phase": "POSTED", "subject": None, "resolves": None},
        },
        {
            "amount": "-25",
            "account": available,
            "transfer": {"kind": "WITHDRAWAL", "phase": "PENDING", "subject": subject, "resolves": None},
        },
        {
            "amount": "25",
            "account": available,
            "transfer": {
                "kind": "PAYOUT",
                "phase": "VOIDING",
                "subject": subject,
                "resolves": {"kind": "WITHDRAWAL"},
            },
        },
    ]


async def test_more_than_is_available_is_not_paid_out(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session, "30")

    answer = await execute(WITHDRAW, payer, input=an_input("30.01"))

    assert answer.refusals("requestWithdrawal") == [
        {"__typename": "InsufficientFunds", "code": "INSUFFICIENT_FUNDS", "required": "30.01", "available": "30"}
    ]
    assert (await count(session), await count(session, Transfer)) == (0, 1)


async def test_what_is_with_the_provider_is_not_stopped(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session)
    payment_id = global_id("Payment", await a_submitted_payment(session, payer))

    own = await execute(CANCEL, payer, id=payment_id)
    foreign = await execute(CANCEL, await a_payer(session), id=payment_id)

    assert own.refusals("cancelPayment") == [
        {"__typename": "PaymentClosed", "code": "PAYMENT_CLOSED", "path": ["id"], "status": "PROCESSING"}
    ]
    assert foreign.refusals("cancelPayment") == [{"__typename": "NotFound", "code": "NOT_FOUND", "path": None}]


async def test_applications_do_not_pay(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session, "30")
    key = Viewer(
        payer.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({"read", "trade"})
    )
    payment_id = global_id("Payment", await a_payment(session, payer))

    codes = [
        (await execute(document, viewer, **given)).errors[0]["code"]
        for viewer in (key, Viewer())
        for document, given in (
            (DEPOSIT, {"input": an_input("25")}),
            (WITHDRAW, {"input": an_input("25")}),
            (CANCEL, {"id": payment_id}),
        )
    ]

    assert codes == ["FORBIDDEN"] * 3 + ["UNAUTHENTICATED"] * 3
    assert await count(session) == 1


async def test_the_wallet_tells_what_one_has_holds_and_owes(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session, "30")
    wallet = await the_wallet(session, owner_of(payer))
    amounts = {wallet.available_id: -12 * EUR, wallet.held_id: 12 * EUR}
    await transfers.post(session, [NewTransfer(TransferKind.HOLD, "order:1", amounts)], actor="test", now=now())
    await a_debt(session, owner_of(payer), "7")
    payment_id = await a_submitted_payment(session, payer)
    failed = an_answer(payment_id, outcome=answers.PaymentOutcome.FAILED, reason="DECLINED")
    await answers.record(session, failed, now=now())
    await session.flush()

    told = (await execute(WALLET, payer)).data["viewer"]["wallet"]

    assert (told["available"], told["held"], told["receivable"]) == ("18", "12", "-7")
    assert told["entries"]["totalCount"] == 4
    assert told["payments"] == {
        "totalCount": 1,
        "edges": [{"node": {"kind": "DEPOSIT", "status": "FAILED", "amount": "25", "failureReason": "DECLINED"}}],
    }


LEDGER = """
{ ledgerAccounts(first: 100) { totalCount edges { node { kind balance owner { id } scopeName } } } }
"""


async def test_administrators_alone_see_the_accounts_of_the_platform(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session, "30")
    await a_market(session, name="North")

    shown = (await execute(LEDGER, ADMIN)).data["ledgerAccounts"]
    hidden = (await execute(LEDGER, payer)).data["ledgerAccounts"]

    accounts = {edge["node"]["kind"]: edge["node"] for edge in shown["edges"]}
    assert accounts["EXTERNAL"] == {"kind": "EXTERNAL", "balance": "-30", "owner": None, "scopeName": None}
    assert accounts["PAYOUT"] == {"kind": "PAYOUT", "balance": "0", "owner": None, "scopeName": None}
    assert accounts["ESCROW"] == {"kind": "ESCROW", "balance": "0", "owner": None, "scopeName": "North"}
    assert hidden == {"totalCount": 0, "edges": []}


TRANSFER = "query T($id: ID!) { node(id: $id) { ... on Transfer { kind entries { edges { node { amount } } } } } }"


async def test_a_transfer_shows_each_viewer_their_own_entries(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session)
    transfer_id = global_id("Transfer", await a_deposit(session, owner_of(payer), "30"))

    seen = {
        name: (await execute(TRANSFER, viewer, id=transfer_id)).data["node"]
        for name, viewer in {"payer": payer, "stranger": await a_payer(session), "admin": ADMIN}.items()
    }

    assert {
        name: node and sorted(e["node"]["amount"] for e in node["entries"]["edges"]) for name, node in seen.items()
    } == {
        "payer": ["30"],
        "stranger": None,
        "admin": ["-30", "30"],
    }


async def test_a_payment_once_submitted_is_shown_as_processing(session: AsyncSession, execute: Execute) -> None:
    payer = await a_payer(session)
    payment_id = await a_payment(session, payer)
    await payments.submit(session, payment_id, now=now())
    await session.flush()

    shown = (await execute(WALLET, payer)).data["viewer"]["wallet"]["payments"]["edges"]

    assert [edge["node"]["status"] for edge in shown] == ["PROCESSING"]
