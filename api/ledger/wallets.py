"""Wallets, accounts and what moved in them."""

from uuid import UUID

import strawberry
from sqlalchemy import func, select

from api.engine.declarations import ENTITIES, Node, entity
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.scalars import DateTime, Micro
from api.graphql.words import describe
from domain.communities.tables import Community
from domain.identity.tables import User as UserTable
from domain.ledger import accounts, tables, visibility
from domain.ledger.accounts import Balances
from domain.market.places.tables import Market

describe(
    tables.AccountKind,
    "Whose money an account counts, and what for.",
    AVAILABLE="A user's money that is free to be used.",
    HELD="A user's money that is held for open orders.",
    RECEIVABLE="What a user owes the platform; never above zero.",
    ESCROW="A market's: money of trades until their delivery is metered.",
    FEE="A market's: fees that the platform earned.",
    GRID="A market's: charges for the use of the network.",
    TAX="A market's: value added tax.",
    ROUNDING="A market's: what rounding leaves.",
    COMMUNITY_FUND="A community's fund.",
    PAYOUT="The platform's: what is on its way out.",
    EXTERNAL="The platform's: all that came in from outside, below zero, and went out.",
)
describe(
    tables.TransferKind,
    "Why money moved.",
    DEPOSIT="A user paid in.",
    WITHDRAWAL="A user asked to be paid out.",
    PAYOUT="A withdrawal left the platform, or was given back.",
    HOLD="Money was held for an order.",
    RELEASE="Money was no longer needed for an order.",
    ESCROW="A trade was made.",
    SETTLEMENT="A trade's delivery was metered.",
    CORRECTION="Readings of a settled trade were corrected.",
    REPAYMENT="A user repaid what was owed.",
)
describe(
    tables.TransferPhase,
    "Whether a transfer is final.",
    POSTED="Final.",
    PENDING="Waits for another transfer that resolves it.",
    VOIDING="Takes back one that was pending.",
)

_scope_name = func.coalesce(
    select(Market.name).where(Market.id == tables.Account.scope_id).scalar_subquery(),
    select(Community.name).where(Community.id == tables.Account.scope_id).scalar_subquery(),
)


@entity(tables.Account, visible=visibility.accounts)
class LedgerAccount(Node):
    """An account of the ledger. Visible to the user it belongs to, and to administrators of the platform."""

    kind: tables.AccountKind = column(tables.Account.kind, "Whose money it counts, and what for.")
    balance_ueur: Micro = column(
        tables.Account.balance_ueur,
        "What the platform owes its holder, EUR; below zero what it is owed.",
        name="balance",
    )
    owner = edge(
        tables.Account.owner_id, "User", "The user it belongs to; null for all other accounts.", is_optional=True
    )
    scope_name: str | None = column(
        _scope_name,
        "Name of the market or community it belongs to; null for accounts of users and the platform.",
        heavy=True,
    )
    entries = many(
        "LedgerEntry",
        "What moved in an account that is no user's, oldest first; what moved in a user's is in the wallet.",
        on=tables.Entry.holder_id,
    )


@entity(
    tables.Transfer,
    visible=visibility.transfers,
    carries={"subject_type": tables.Transfer.subject_type, "subject_id": tables.Transfer.subject_id},
)
class Transfer(Node):
    """Money moved between accounts at once, never edited. Visible to users whose accounts it touches."""

    kind: tables.TransferKind = column(tables.Transfer.kind, "Why money moved.")
    phase: tables.TransferPhase = column(tables.Transfer.phase, "Whether it is final.")
    made_at: DateTime = column(tables.Transfer.made_at, "When it was made.")
    resolves = edge(
        tables.Transfer.resolves_id,
        "Transfer",
        "The pending transfer that it posts or takes back, where there is one.",
        is_optional=True,
    )
    entries = many(
        "LedgerEntry",
        "What it moved in accounts that the viewer may see; all of its entries add up to zero.",
        on=tables.Entry.transfer_id,
    )

    @strawberry.field(description="The order, trade or payment that it is about; null where it is not to be seen.")
    async def subject(self, info: Info) -> Node | None:
        kind, key = self.__dict__["subject_type"], self.__dict__["subject_id"]
        node: Node | None = await info.context.loaders.node(kind, key) if kind in ENTITIES else None
        return node


@entity(tables.Entry, visible=visibility.entries)
class LedgerEntry(Node):
    """What one transfer changed in one account. Visible to the user the account belongs to."""

    amount_ueur: Micro = column(
        tables.Entry.amount_ueur,
        "What was added to the balance, EUR; below zero what was taken from it.",
        name="amount",
    )
    account = edge(tables.Entry.account_id, "LedgerAccount", "The account.", is_optional=True)
    transfer = edge(tables.Entry.transfer_id, "Transfer", "The transfer.", is_optional=True)


@entity(UserTable, visible=visibility.wallets)
class Wallet(Node):
    """A user's money at the platform. Visible to the user, to applications that may read for it, and administrators."""

    entries = many("LedgerEntry", "What moved in the user's accounts, oldest first.", on=tables.Entry.holder_id)
    payments = many("Payment", "Deposits and withdrawals, oldest first.", on=tables.Payment.owner_id)

    @strawberry.field(name="available", description="What is free to be used, EUR.")
    async def available_ueur(self, info: Info) -> Micro:
        return Micro((await self._balances(info)).available_ueur)

    @strawberry.field(name="held", description="What is held for open orders, EUR.")
    async def held_ueur(self, info: Info) -> Micro:
        return Micro((await self._balances(info)).held_ueur)

    @strawberry.field(name="receivable", description="What the user owes the platform, EUR: zero or below.")
    async def receivable_ueur(self, info: Info) -> Micro:
        return Micro((await self._balances(info)).receivable_ueur)

    async def _balances(self, info: Info) -> Balances:
        async def load(owner_ids: list[UUID]) -> list[Balances]:
            async with info.context.database.reading() as connection:
                found = await accounts.balances(connection, owner_ids)
            return [found[owner_id] for owner_id in owner_ids]

        loader = info.context.loaders.loader("wallets", load)
        balances: Balances = await loader.load(self.__dict__["id"])
        return balances


@strawberry.type
class WalletViewer:
    wallet = edge(None, "Wallet", "The viewer's money; null for an application that may not read for its owner.")


@strawberry.type
class LedgerAccountQueries:
    ledger_accounts = many(
        "LedgerAccount",
        "Accounts of markets, communities and the platform; for administrators of the platform, empty for others.",
        visible=visibility.accounts_of_no_user,
    )
