"""The ledger against a plain model of it: any moves, pending or not, resolved or refused, leave both the same."""

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from domain.kernel.database import new_id
from domain.ledger import accounts, transfers
from domain.ledger.tables import NEVER_NEGATIVE, Account, AccountKind, TransferKind, TransferPhase
from domain.ledger.transfers import NewTransfer
from tests.factories.identity import a_user
from tests.factories.market import a_market, now
from tests.machines import DatabaseMachine, run_machine

AMOUNTS = st.sampled_from([1, 2, 999_999, 1_000_000, 10**12]) | st.integers(1, 20_000_000)
KINDS = st.sampled_from([TransferKind.HOLD, TransferKind.ESCROW, TransferKind.CORRECTION])
PHASES = st.sampled_from([TransferPhase.POSTED, TransferPhase.PENDING])


class Model:
    """What a ledger is: balances, the references that were used, and what waits to be resolved."""

    def __init__(self, kinds: dict[UUID, AccountKind]) -> None:
        self.kinds = kinds
        self.balances = dict.fromkeys(kinds, 0)
        self.used: set[tuple[TransferKind, str]] = set()
        self.phases: dict[UUID, TransferPhase] = {}
        self.amounts: dict[UUID, dict[UUID, int]] = {}
        self.resolved: set[UUID] = set()

    def takes(self, transfer: NewTransfer) -> bool:
        """Carry a transfer out if it may be; whether it was."""
        after = {id: self.balances[id] + amount for id, amount in transfer.amounts_ueur.items()}
        resolves = transfer.resolves_id
        is_refused = (
            (transfer.kind, transfer.reference) in self.used
            or any(self.kinds[id] in NEVER_NEGATIVE and balance < 0 for id, balance in after.items())
            or any(self.kinds[id] is AccountKind.RECEIVABLE and balance > 0 for id, balance in after.items())
            or (resolves is not None and self.phases[resolves] is not TransferPhase.PENDING)
            or resolves in self.resolved
        )
        if is_refused:
            return False
        self.balances |= after
        self.used.add((transfer.kind, transfer.reference))
        self.phases[transfer.id], self.amounts[transfer.id] = transfer.phase, dict(transfer.amounts_ueur)
        if resolves is not None:
            self.resolved.add(resolves)
        return True


class Ledger(DatabaseMachine):
    """Moves of money between the accounts of two users and a market."""

    async def _begin(self) -> None:
        owners, market = [(await a_user(self.session)).id for _ in range(2)], await a_market(self.session)
        held = await accounts.hold(self.session, owners, [market])
        ids = [await accounts.platform(self.session, kind) for kind in (AccountKind.EXTERNAL, AccountKind.PAYOUT)]
        for wallet in held.wallets.values():
            ids += [wallet.available_id, wallet.held_id, wallet.receivable_id]
        query = select(Account.id, Account.kind).where(Account.id.in_([*ids, *held.of_scope.values()]))
        self.model = Model(dict(sorted((await self.session.execute(query)).all())))
        self.accounts = sorted(self.model.kinds, key=lambda id: (self.model.kinds[id], id))

    def tried(self, transfer: NewTransfer) -> None:
        """The database and the model take it, or both refuse it."""
        assert self.run(self._try(transfer)) == self.model.takes(transfer)

    async def _try(self, transfer: NewTransfer) -> bool:
        try:
            async with self.session.begin_nested():
                await transfers.post(self.session, [transfer], actor="test", now=now())
                await self.session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
        except DBAPIError:
            return False
        finally:
            await self.session.execute(text("SET CONSTRAINTS ALL DEFERRED"))
        return True

    def of_kind(self, *kinds: AccountKind) -> list[UUID]:
        return [id for id in self.accounts if self.model.kinds[id] in kinds]

    @rule(data=st.data(), amount=AMOUNTS)
    def pay_in(self, data: st.DataObject, amount: int) -> None:
        to = data.draw(st.sampled_from(self.of_kind(AccountKind.AVAILABLE)))
        (external,) = self.of_kind(AccountKind.EXTERNAL)
        self.tried(NewTransfer(TransferKind.DEPOSIT, str(new_id()), {external: -amount, to: amount}))

    @rule(data=st.data(), amounts=st.lists(AMOUNTS, min_size=1, max_size=3), kind=KINDS, phase=PHASES)
    def move(self, data: st.DataObject, amounts: list[int], kind: TransferKind, phase: TransferPhase) -> None:
        size = len(amounts) + 1
        ids = data.draw(st.lists(st.sampled_from(self.accounts), min_size=size, max_size=size, unique=True))
        moved = dict(zip(ids, [-sum(amounts), *amounts], strict=True))
        self.tried(NewTransfer(kind, str(new_id()), moved, phase=phase))

    @precondition(lambda self: self.model.used)
    @rule(data=st.data(), amount=AMOUNTS)
    def use_a_reference_again(self, data: st.DataObject, amount: int) -> None:
        kind, reference = data.draw(st.sampled_from(sorted(self.model.used)))
        (external,), fee = self.of_kind(AccountKind.EXTERNAL), self.of_kind(AccountKind.FEE)[0]
        self.tried(NewTransfer(kind, reference, {external: -amount, fee: amount}))

    @precondition(lambda self: self.model.phases)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.phases)))
        back = {account: -amount for account, amount in self.model.amounts[id].items()}
        phase = TransferPhase.VOIDING
        self.tried(NewTransfer(TransferKind.RELEASE, str(new_id()), back, phase=phase, resolves_id=id))

    @precondition(lambda self: self.model.phases)
    @rule(data=st.data(), amount=AMOUNTS)
    def resolve(self, data: st.DataObject, amount: int) -> None:
        id = data.draw(st.sampled_from(sorted(self.model.phases)))
        giver, taker = data.draw(st.lists(st.sampled_from(self.accounts), min_size=2, max_size=2, unique=True))
        self.tried(NewTransfer(TransferKind.SETTLEMENT, str(new_id()), {giver: -amount, taker: amount}, resolves_id=id))

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        if hasattr(self, "model"):
            assert self.run(self._balances()) == self.model.balances
            assert sum(self.model.balances.values()) == 0

    async def _balances(self) -> dict[UUID, int]:
        query = select(Account.id, Account.balance_ueur).where(Account.id.in_(self.accounts))
        return dict((await self.session.execute(query)).all())


def test_the_ledger_does_what_the_model_says(database_url: str) -> None:
    run_machine(Ledger, database_url, examples=40, steps=30)
