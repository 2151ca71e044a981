"""Who may see what: for each kind of row, which rows of the world each role sees. Nothing else is to be seen.

This is written down a second time, by hand, on purpose: it must not be derived from the predicates that it tests.
"""

from collections.abc import Mapping

from tests.api.authorization.money import SeenByOwners
from tests.api.authorization.world import ROLES

EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
ADA = frozenset({"administrator", "partner that reads"})  # What Ada sees as a person, her application sees too.
TRADES_FOR_ADA = frozenset({"partner that trades"})  # It sees her orders, and nothing else of hers.
BOB, CYN, FRED = frozenset({"member"}), frozenset({"other member"}), frozenset({"member of both"})
EVE, GUS, HAL, IVY = (frozenset({role}) for role in ("neighbour", "unlisted member", "former member", "next tenant"))
HEAD_OF_A, HEAD_OF_B = frozenset({"administrator"}), EVE  # No application holds what its owner administers.
IN_A, IN_B = ADA | BOB | CYN | EVE | FRED | IVY, EVE | FRED | GUS
ROOT = frozenset({"platform administrator"})

Seen = Mapping[str, frozenset[str]]

# Platform administrators see everything but other people's keys, so they are not repeated here.
EXPECTED: dict[str, Seen] = {
    "Framework": {"*": EVERYBODY},
    "MarketZone": {"*": EVERYBODY},
    "Municipality": {"*": EVERYBODY},
    "SubstationArea": {"*": EVERYBODY},
    "Market": {"*": EVERYBODY},
    "Clearing": {"*": EVERYBODY},
    "ZoneLink": {"*": EVERYBODY},
    "MarketCharge": {"*": EVERYBODY},
    "DutchAuction": {"*": EVERYBODY},
    "ZoneHalt": {"*": EVERYBODY},
    "ZoneLimit": {"*": EVERYBODY},
    "ZoneCapacity": {"*": EVERYBODY},
    "GridAlert": {"*": EVERYBODY},
    "Verification": {"once": NOBODY},
    "User": {
        "ada": ADA,
        "bob": BOB,
        "cyn": CYN,
        "eve": EVE,
        "fred": FRED,
        "gus": GUS,
        "hal": HAL,
        "ivy": IVY,
        "olga": frozenset({"outsider"}),
        "root": ROOT,
        "gridley": frozenset({"grid operator"}),
        "gone": NOBODY,
    },
    "ApiKey": {
        "partner that reads": HEAD_OF_A,
        "partner that trades": HEAD_OF_A,
        "meter gateway": HEAD_OF_A,
        "expired key": HEAD_OF_A,
        "revoked key": HEAD_OF_A,
        "key of a disabled user": NOBODY,
        "bob's": BOB,
        "hal's gateway": HAL,
        "ivy's gateway": IVY,
        "eve's gateway": EVE,
    },
    "Community": {"A": EVERYBODY, "B": IN_B},
    "Member": {
        "ada": ADA,
        "bob": BOB | HEAD_OF_A,
        "cyn": CYN | HEAD_OF_A,
        "eve": EVE | HEAD_OF_A,
        "fred": FRED | HEAD_OF_A | HEAD_OF_B,
        "gus": GUS | HEAD_OF_B,
        "hal": HAL | HEAD_OF_A,
        "ivy": IVY | HEAD_OF_A,
    },
    "MemberCard": {  # Everybody in a community sees all of today's, but of Cyn, who opted out.
        "ada in A": IN_A,
        "bob in A": IN_A,
        "cyn in A": CYN,
        "eve in A": IN_A,
        "fred in A": IN_A,
        "ivy in A": IN_A,
        "hal in A": NOBODY,
        "eve in B": IN_B,
        "fred in B": IN_B,
        "gus in B": IN_B,
    },
    "Membership": {
        "ada in A": ADA,
        "bob in A": BOB | HEAD_OF_A,
        "cyn in A": CYN | HEAD_OF_A,
        "eve in A": EVE | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "eve in B": EVE,
        "fred in B": FRED | HEAD_OF_B,
        "gus in B": GUS | HEAD_OF_B,
        "hal in A": HAL | HEAD_OF_A,
        "ivy in A": IVY | HEAD_OF_A,
    },
    "Participation": {
        "ada in A": ADA,
        "bob in A": BOB | HEAD_OF_A,
        "cyn in A": CYN | HEAD_OF_A,
        "eve in A": EVE | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "fred in B": FRED | HEAD_OF_B,
        "gus in B": GUS | HEAD_OF_B,
        "hal in A": HAL | HEAD_OF_A,
        "ivy in A": IVY | HEAD_OF_A,
    },
    "MeteringPoint": {
        "ada": ADA,
        "bob": BOB | HEAD_OF_A,
        "cyn": CYN | HEAD_OF_A,
        "eve": EVE | HEAD_OF_A,
        "fred": FRED | HEAD_OF_A | HEAD_OF_B,
        "gus": GUS | HEAD_OF_B,
        "house": HAL | IVY | HEAD_OF_A,
    },
    "Asset": {
        "bob in A": BOB | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "fred in B": FRED | HEAD_OF_B,
        "ivy in A": IVY | HEAD_OF_A,  # Not for Hal, whose metering point it was.
    },
    "SharingKey": {"A": IN_A, "B": IN_B},
    "KeyShare": {
        "bob in A": BOB | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "ivy in A": IVY | HEAD_OF_A,  # Not for Hal either.
        "fred in B": FRED | HEAD_OF_B,
        "gus in B": GUS | HEAD_OF_B,
    },
    "AllocationRun": {"six of A": IN_A, "three of A": HEAD_OF_A, "three of B": HEAD_OF_B},
    "MemberAllocation": {
        "bob in A": BOB | HEAD_OF_A,
        "cyn in A": CYN | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "hal in A": HAL | HEAD_OF_A,
        "fred in B": FRED | HEAD_OF_B,
        "gus in B": GUS | HEAD_OF_B,
    },
    "AllocationDifference": {
        "bob in A": BOB | HEAD_OF_A,
        "cyn in A": CYN | HEAD_OF_A,
        "fred in A": FRED | HEAD_OF_A,
        "hal in A": HAL | HEAD_OF_A,
        "fred in B": FRED | HEAD_OF_B,
        "gus in B": GUS | HEAD_OF_B,
    },
    "Job": {
        "ada's in A": ADA,
        "bob's in A": BOB | HEAD_OF_A,
        "eve's in B": EVE,
        "gus's": GUS,
        "nobody's": NOBODY,
    },
    "Order": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "Notification": {"ada's": ADA, "bob's": BOB},
    "NotificationDelivery": {"ada's": ADA, "bob's": BOB},
    "Webhook": {"ada's": ADA, "bob's": BOB},
    "WebhookFeed": {"ada's": ADA, "bob's": BOB},
    "PriceAlert": {"bob's": BOB, "ada's": ADA},
    "TradingRule": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "TradingRuleRun": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "TradingRuleSimulation": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "AuctionBid": {"bob's": BOB, "ada's": ADA | TRADES_FOR_ADA},
    "AccountStatement": {"bob's": BOB, "gus's": GUS, "ada's": ADA},
    "StatementLine": {"bob's": BOB, "gus's": GUS, "ada's": ADA},
    "Trade": {"gus to bob": EVERYBODY - {"nobody", "meter gateway"}},
    "TradeDelivery": {"gus to bob": BOB | GUS},
    "Certificate": {"bob's": BOB, "gus's": NOBODY},  # Gus sold all of it.
}
OWNERS = EXPECTED["User"]
EXPECTED |= {
    "Wallet": OWNERS,
    "Payment": {"ada's": ADA, "bob's": BOB, "gus's": GUS},
    "LedgerAccount": SeenByOwners(OWNERS),
    "LedgerEntry": SeenByOwners(OWNERS),
    "Transfer": SeenByOwners(OWNERS),
}
NOT_EVEN_ROOT = frozenset({"Notification", "NotificationDelivery", "Webhook", "WebhookFeed", "ApiKey", "PriceAlert"})

# Lists with a predicate of their own, narrower than the entity's.
NARROWER: dict[str, Seen] = {
    "Viewer.memberships": {
        "ada in A": ADA,
        "bob in A": BOB,
        "cyn in A": CYN,
        "eve in A": EVE,
        "fred in A": FRED,
        "eve in B": EVE,
        "fred in B": FRED,
        "gus in B": GUS,
        "hal in A": HAL,
        "ivy in A": IVY,
    },
    "Viewer.memberCards": {
        "ada in A": ADA,
        "bob in A": BOB,
        "cyn in A": CYN,
        "eve in A": EVE,
        "fred in A": FRED,
        "eve in B": EVE,
        "fred in B": FRED,
        "gus in B": GUS,
        "ivy in A": IVY,
    },
    "Viewer.orders": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "Market.orders": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
    "Viewer.trades": {"gus to bob": BOB | GUS},
    "Viewer.certificates": {"bob's": BOB, "gus's": NOBODY},
    "Viewer.statements": {"bob's": BOB, "gus's": GUS, "ada's": ADA},
    "Viewer.tradingRules": {"bob's": BOB, "gus's": GUS, "ada's": ADA | TRADES_FOR_ADA},
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
    },
}

# Readings of a metering point on a day, and the balance of a community: who gets them.
READINGS: dict[tuple[str, str], frozenset[str]] = {
    ("bob", "2026-02-10"): BOB | HEAD_OF_A | ROOT,
    ("fred", "2026-02-10"): FRED | HEAD_OF_A | HEAD_OF_B | ROOT,
    ("gus", "2026-02-10"): GUS | HEAD_OF_B | ROOT,
    ("house", "2026-02-10"): HAL | HEAD_OF_A | ROOT,
    ("house", "2026-03-10"): IVY | HEAD_OF_A | ROOT,
}
BALANCES = {"A": EVERYBODY, "B": HEAD_OF_B | ROOT}  # Six take part in A, two in B.

# Leaderboards of a community: who is told, and how many are ranked. Cyn opted out and Hal left; of B there are too few.
LEADERBOARDS = {"A": (IN_A | ROOT, 5), "B": (IN_B | ROOT, None)}

# Loads of zones by the points and members they were metered of: who gets those of few, by zone. Ada's application holds
# none of her roles.
LOADS_OF_FEW = {"north": frozenset({"grid operator"}) | ROOT, "south": ROOT}

# The chains of the audit log: who may read them.
AUDITED: dict[tuple[str, str], frozenset[str]] = {
    ("Community", "A"): HEAD_OF_A | ROOT,
    ("Community", "B"): HEAD_OF_B | ROOT,
    ("Market", "north"): frozenset({"grid operator"}) | ROOT,
    ("MarketZone", "north"): frozenset({"grid operator"}) | ROOT,
    ("MarketZone", "south"): ROOT,
    ("platform", ""): ROOT,
}

# REST: by route, and the community it is asked for, who is let in. Others get 403, nobody 401; a community that is
# hidden from them is "no such community".
# Routes that believe a signature alone, whoever else asks: nobody is let in by a token.
SIGNED = {"/payments/callbacks"}
LET_IN: dict[tuple[str, str | None], frozenset[str]] = {
    ("/v1/readings", None): frozenset({"meter gateway"}),
    ("/v1/imports/readings", None): HEAD_OF_A | HEAD_OF_B | ROOT,
    ("/v1/imports/operator-figures", "A"): HEAD_OF_A | ROOT,
    ("/v1/imports/operator-figures", "B"): HEAD_OF_B | ROOT,
    ("/v1/imports/areas", None): ROOT,
    ("/v1/exports/trading", None): EVERYBODY - {"nobody", "meter gateway"},
    ("/v1/statements", None): EVERYBODY - {"nobody", "meter gateway", "partner that trades"},
}

# Routes that are read, with GET.
READ = {"/v1/exports/trading", "/v1/statements"}

# Who may post readings of which point and day: those on which it took part where the owner of the key sees it.
POSTS: dict[tuple[str, str, str], bool] = {
    ("hal's gateway", "house", "2026-02-11"): True,
    ("hal's gateway", "house", "2026-03-11"): False,
    ("ivy's gateway", "house", "2026-02-12"): False,
    ("ivy's gateway", "house", "2026-03-12"): True,
    ("eve's gateway", "eve", "2026-02-11"): True,
    ("eve's gateway", "fred", "2026-02-11"): True,  # She administers B, where he takes part, too.
    ("eve's gateway", "bob", "2026-02-11"): False,
    ("meter gateway", "house", "2026-02-13"): True,
    ("meter gateway", "gus", "2026-02-11"): False,
}


def may_see(role: str, entity: str, name: str) -> bool:
    """Whether a role sees a row of the world. Raises KeyError for a kind or a row that nobody has decided on."""
    if role in ROOT and entity not in NOT_EVEN_ROOT:
        return True
    seen = EXPECTED[entity]
    return role in (seen["*"] if "*" in seen else seen[name])
