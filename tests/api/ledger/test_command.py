"""`commonwatt ledger export`: two runs of the same day give the same text."""

import argparse
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.processes import cli
from api.resources.database import connect
from domain.identity.viewers import Viewer
from domain.ledger import accounts, answers, export, payments, transfers
from domain.ledger.tables import AccountKind, PaymentKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from tests.conftest import Server
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_payment, an_answer, the_wallet
from tests.factories.market import a_market, a_zone, now

EXPORTED = """\
1 DEPOSIT POSTED payment:#1 Payment#1 | AVAILABLE ada@example.org 25 | EXTERNAL platform -25
2 WITHDRAWAL PENDING payment:#2 Payment#2 | AVAILABLE ada@example.org -5 | PAYOUT platform 5
3 PAYOUT VOIDING payment:#2 Payment#2 resolves 2 | AVAILABLE ada@example.org 5 | PAYOUT platform -5
4 HOLD POSTED order:#3:1 Order#3 | AVAILABLE ada@example.org -1 | ESCROW NORD 1
5 HOLD POSTED order:#4:2 Order#4 | AVAILABLE ada@example.org -2.000001 | ESCROW NORD 2.000001
balance AVAILABLE ada@example.org 21.999999
balance ESCROW NORD 3.000001
balance EXTERNAL platform -25
"""
UNORDERED = """\
DEPOSIT POSTED payment:# Payment# | AVAILABLE ada@example.org 25 | EXTERNAL platform -25
HOLD POSTED order:#:1 Order# | AVAILABLE ada@example.org -1 | ESCROW NORD 1
HOLD POSTED order:#:2 Order# | AVAILABLE ada@example.org -2.000001 | ESCROW NORD 2.000001
PAYOUT VOIDING payment:# Payment# resolves | AVAILABLE ada@example.org 5 | PAYOUT platform -5
WITHDRAWAL PENDING payment:# Payment# | AVAILABLE ada@example.org -5 | PAYOUT platform 5
balance AVAILABLE ada@example.org 21.999999
balance ESCROW NORD 3.000001
balance EXTERNAL platform -25
"""


async def a_day(session: AsyncSession, *, backwards: bool) -> None:
    """A deposit, a withdrawal that fails, and two holds of one instant that are stored in either order."""
    ada = Viewer(user_id=(await a_user(session, email="ada@example.org")).id)
    assert ada.user_id is not None
    market, at = await a_market(session, await a_zone(session, "NORD")), now()
    deposit = await a_payment(session, ada, PaymentKind.DEPOSIT, "25", at=at)
    await payments.submit(session, deposit, now=at)
    await answers.record(session, an_answer(deposit), now=at)
    withdrawal = await a_payment(session, ada, PaymentKind.WITHDRAWAL, "5", at=at + timedelta(seconds=1))
    await payments.refuse(session, withdrawal, "NO_PROVIDER", now=at + timedelta(seconds=2))
    escrow_id = (await accounts.hold(session, [], [market])).of_scope[market, AccountKind.ESCROW]
    wallet = await the_wallet(session, ada.user_id)
    orders = [(await a_user(session)).id for _ in range(2)]  # Ids of anything.
    amounts = [EUR, 2 * EUR + 1]
    holds = [
        NewTransfer(
            TransferKind.HOLD,
            f"order:{order}:{number}",
            {wallet.available_id: -amount, escrow_id: amount},
            ("Order", order),
            TransferPhase.POSTED,
        )
        for number, (order, amount) in enumerate(zip(orders, amounts, strict=True), 1)
    ]
    later = at + timedelta(seconds=3)
    await transfers.post(session, holds[::-1] if backwards else holds, actor="test", now=later)


async def exported(monkeypatch: pytest.MonkeyPatch, url: str, *arguments: str) -> int:
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setattr(export, "SORTED_AT_ONCE", 2)  # Some lines wait in files.
    monkeypatch.setattr(sys, "argv", ["commonwatt", "ledger", "export", *arguments])
    parsed: argparse.Namespace = cli._parser().parse_args()
    return await cli._run(parsed.act, parsed)


async def test_two_runs_of_a_day_give_the_same_text(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, backwards in (("first", False), ("second", True)):
        url = await server.create_database()
        database = connect(url, role="commonwatt_app", pool=1)
        async with database.transaction() as session:
            await a_day(session, backwards=backwards)
        await database.close()
        assert await exported(monkeypatch, url, "--output", str(tmp_path / name)) == 0
        assert await exported(monkeypatch, url, "--unordered") == 0
        await server.drop_database(url)

    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
    assert (tmp_path / "first").read_text() == EXPORTED
    assert capsys.readouterr().out == UNORDERED * 2
