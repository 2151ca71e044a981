"""Money: the first user has fifty of everything, and the first transfer touches fifty users."""

from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.tables import User
from domain.ledger import accounts, transfers
from domain.ledger.tables import AccountKind, Payment, PaymentKind, TransferKind
from domain.ledger.transfers import NewTransfer
from tests.api.crowd import START, Crowd, ids


async def join(session: AsyncSession, crowd: Crowd) -> None:
    """Transfers and payments."""
    users = await ids(session, User)
    external_id = await accounts.platform(session, AccountKind.EXTERNAL)
    wallets = (await accounts.hold(session, users)).wallets
    everybody = {wallets[user_id].available_id: 1 for user_id in users}
    first = wallets[users[0]].available_id
    amounts = [{external_id: -len(users), **everybody}] + [{external_id: -1, first: 1}] * len(users)
    made = [NewTransfer(TransferKind.DEPOSIT, str(number), each) for number, each in enumerate(amounts)]
    await transfers.post(session, made, actor="test", now=START)
    terms = {"kind": PaymentKind.DEPOSIT, "amount_ueur": 10_000, "requested_at": START, "asked_at": START}
    session.add_all(Payment(owner_id=users[0], **terms) for _ in users)
    await session.flush()
    crowd.parents["LedgerAccount"] = external_id  # Ids of accounts are no times: which is first is chance.
