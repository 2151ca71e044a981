"""Money is seen by whose it is."""

from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from tests.api.authorization.decisions import Given, WhoSees, leads_to_nothing_hidden
from tests.api.authorization.people import ADA, BOB, GUS, ROOT
from tests.api.identity.who_sees import PERSONS


class SeenByOwners(Mapping[str, frozenset[str]]):
    """For rows named by their owners: those who see the money of one of them."""

    def __init__(self, persons: Mapping[str, frozenset[str]]) -> None:
        self.persons = persons

    def __getitem__(self, name: str) -> frozenset[str]:
        _, of, owners = name.rpartition(" of ")
        if not of:
            raise KeyError(name)
        return frozenset[str]().union(*(self.persons.get(owner, frozenset()) for owner in owners.split(", ")))

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def about(transfer: str) -> tuple[str, str] | None:
    """The row that a transfer is about, as its name says."""
    _, is_about, rest = transfer.partition(" about ")
    kind, _, name = rest.partition(" of ")[0].partition(" ")
    return (kind, name) if is_about else None


WHO_SEES = WhoSees(
    expected={
        "Wallet": PERSONS,
        "Payment": {"ada's": ADA, "bob's": BOB, "gus's": GUS},
        "LedgerAccount": SeenByOwners(PERSONS),
        "LedgerEntry": SeenByOwners(PERSONS),
        "Transfer": SeenByOwners(PERSONS),
    },
    narrower={
        "Query.ledgerAccounts": {
            "EXTERNAL of the platform": ROOT,
            "PAYOUT of the platform": ROOT,
            "ESCROW of north": ROOT,
            "FEE of north": ROOT,
            "GRID of north": ROOT,
            "TAX of north": ROOT,
            "ROUNDING of north": ROOT,
            "COMMUNITY_FUND of A": ROOT,
            "COMMUNITY_FUND of B": ROOT,
        }
    },
    computed={
        "Viewer.wallet": leads_to_nothing_hidden,  # test_the_wallet_is_that_of_who_asks
        "Transfer.subject": about,
    },
    # Of a wallet that the viewer may see.
    reviewed=frozenset({"Wallet.available", "Wallet.held", "Wallet.receivable"}),
    mutations={
        "requestDeposit": Given(),
        "requestWithdrawal": Given(),
        "cancelPayment": Given(lambda id: {"id": id("Payment")}, {"Payment": "gus's"}),
    },
    signed={"/payments/callbacks": {"payment_secret": SecretStr("the provider's")}},
)
