"""What cannot be read from the schema: where computed fields lead, values for filters, and inputs of mutations."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.authorization.expectations import may_see
from tests.api.authorization.money import about

IdOf = Callable[[str, str], str]
Target = tuple[str, str] | None

# Fields that lead to rows by code of their own: the row they lead to, if nothing were hidden.
COMPUTED: dict[str, Callable[[str], Target]] = {
    "Query.node": lambda row: None,  # These have tests of their own.
    "Query.nodes": lambda row: None,
    "Viewer.user": lambda row: None,
    "Viewer.wallet": lambda row: None,  # test_the_wallet_is_that_of_who_asks
    "Transfer.subject": about,
    "Subscription.jobProgress": lambda row: None,
    "TradeEvent.trade": lambda row: None,
    "GridAlertEvent.alert": lambda row: None,  # Alerts are public.
    "LinkFlow.link": lambda row: None,  # Links are public.
    "Query.auditEntries": lambda row: None,  # test_chains_of_the_audit_log_are_read_by_who_may_audit_them
    "FillExplanation.clearing": lambda row: None,  # Clearings are public.
    "TradingRuleDecision.order": lambda row: None,  # test_decisions_of_a_rule_lead_to_orders_of_its_owner
    "NotificationEvent.notification": lambda row: None,  # Of the stream of who follows it.
    "MonthInsights.community": lambda row: None,  # test_insights_are_beside_communities_that_the_viewer_is_in
    "Community.sharingKey": lambda row: ("SharingKey", row),
    "Job.result": lambda row: ("AllocationRun", "three of A") if row in {"ada's in A", "bob's in A"} else None,
}

# Computed fields that read nothing but their own row, and those with a test of their own.
REVIEWED = {
    "Framework.allowedKeys",
    "Framework.interval",
    "Framework.parameters",
    "Job.error",
    "Order.explanation",  # Of an order that the viewer may see; it names prices, never others.
    "Market.orderBook",  # Prices are public.
    "Market.prices",
    "Market.deliveryTotals",  # For who operates the zone: tests/api/market/delivery/test_deliveries.py
    "TradeDelivery.lines",  # Those of the viewer's side: tests/api/market/delivery/test_deliveries.py
    "TradeDelivery.amount",
    "Certificate.number",  # Of a certificate that the viewer owns.
    "Certificate.isCancelled",
    "Certificate.cancellations",
    "Certificate.carbon",
    "Certificate.carbonUnknownBecause",
    "Clearing.classPrices",  # Prices are public.
    "Clearing.parameters",
    "DutchAuction.price",
    "MarketZone.load",  # test_loads_of_few_are_for_who_operates_the_zone
    "MarketZone.analytics",
    "Verification.breaches",  # Of a row that only administrators of the platform see.
    "Market.priceModel",
    "Market.gridTariffs",
    "Market.modelPrice",
    "Market.modelPrices",
    "Market.forecast",
    "Market.view",
    "WebhookFeed.cursor",
    "Wallet.available",  # Of a wallet that the viewer may see.
    "Wallet.held",
    "Wallet.receivable",
    "TradingRule.hours",
    "TradingRuleRun.decisions",  # Of a run that the viewer may see.
    "TradingRuleSimulation.days",
    "TradingRuleSimulation.orders",
    "AllocationRun.series",  # test_series_of_a_run_are_told_like_its_totals
    "Community.leaderboard",  # test_leaderboards_are_for_who_is_in_a_community
    "MemberCard.isViewer",
    "MemberCard.rating",  # Of a card that the viewer may see, and of five: tests/api/engagement/test_ratings.py
    "Community.balance",  # test_balances_of_few_are_for_who_administers
    "MeteringPoint.readings",  # test_readings_are_seen_for_the_days_that_concern_the_role
}

# A value for each condition of each filter over rows that not everybody sees, and the rows it matches.
FILTERS: dict[tuple[str, str], tuple[Callable[[IdOf], str], set[str]]] = {
    ("Query.communities", "framework"): (lambda id_of: "LU_SHARING", {"A", "B"}),
    ("Query.communities", "kind"): (lambda id_of: "LANE", {"A", "B"}),
    ("Query.communities", "status"): (lambda id_of: "ACTIVE", {"A", "B"}),
    ("Query.communities", "country"): (lambda id_of: '"LU"', {"A", "B"}),
    ("Query.communities", "name"): (lambda id_of: '"munity B"', {"B"}),
    ("Query.communities", "substationAreaId"): (lambda id_of: f'"{id_of("SubstationArea", "area")}"', {"A", "B"}),
    ("Viewer.orders", "status"): (lambda id_of: "[OPEN, FILLED]", {"bob's", "gus's", "ada's"}),
    ("Viewer.orders", "side"): (lambda id_of: "BUY", {"bob's", "ada's"}),
    ("Viewer.orders", "delivery"): (lambda id_of: EVER, {"bob's", "gus's", "ada's"}),
    ("Viewer.notifications", "isUnread"): (lambda id_of: "true", {"ada's", "bob's"}),
    ("Viewer.notifications", "kind"): (lambda id_of: "PAYMENT", {"ada's", "bob's"}),
    ("Viewer.tradingRules", "status"): (lambda id_of: "[DRAFT, ACTIVE]", {"bob's", "gus's", "ada's"}),
    ("Viewer.trades", "delivery"): (lambda id_of: EVER, {"gus to bob"}),
}
EVER = '{start: "2000-01-01T00:00:00Z", end: "2100-01-01T00:00:00Z"}'

TOLD, SILENT, UNAUTHENTICATED, REFUSED = "TOLD", "SILENT", "UNAUTHENTICATED", "BAD_USER_INPUT"


def _of_market(role: str, row: str) -> str:
    return UNAUTHENTICATED if role == "nobody" else TOLD


def _of_trades(role: str, row: str) -> str:
    """Trades are left out of the stream of who may not see them."""
    return SILENT if role == "meter gateway" else _of_market(role, row)


def _of_notifications(role: str, row: str) -> str:
    """Everybody follows a stream of their own, and no other can be named; those of Ada and Bob hold something."""
    if role in {"partner that trades", "meter gateway"}:
        return "FORBIDDEN"
    is_told = role in {"member", "administrator", "partner that reads"}
    return UNAUTHENTICATED if role == "nobody" else TOLD if is_told else SILENT


@dataclass(frozen=True)
class Followed:
    """A subscription to rows of a kind: its document for an id, and what a role is told first."""

    entity: str
    document: Callable[[str, Callable[[str], str]], str]
    expected: Callable[[str, str], str]


SUBSCRIPTIONS: dict[str, Followed] = {
    "jobProgress": Followed(
        "Job",
        lambda id, start_of: f'subscription {{ jobProgress(id: "{id}") {{ id status }} }}',
        lambda role, row: TOLD if may_see(role, "Job", row) else REFUSED,
    ),
    "trades": Followed(
        "Market",
        lambda id, start_of: (
            f'subscription {{ trades(marketId: "{id}", after: "{start_of("trades")}") {{ trade {{ id }} }} }}'
        ),
        _of_trades,
    ),
    "notifications": Followed(
        "Notification",
        lambda id, start_of: 'subscription { notifications(after: "") { notification { id } } }',
        _of_notifications,
    ),
    "priceTicks": Followed(
        "Market",
        lambda id, start_of: (
            f'subscription {{ priceTicks(marketId: "{id}", after: "{start_of("prices")}") {{ price }} }}'
        ),
        _of_market,
    ),
    "orderBook": Followed(
        "Market",
        lambda id, start_of: (
            f'subscription {{ orderBook(marketId: "{id}", deliveryStart: "2100-01-01T00:00:00Z") {{ deliveryStart }} }}'
        ),
        _of_market,
    ),
    "auctionTicks": Followed(
        "DutchAuction",
        lambda id, start_of: f'subscription {{ auctionTicks(auctionId: "{id}", after: "") {{ price }} }}',
        _of_market,
    ),
    "gridAlerts": Followed(
        "MarketZone",
        lambda id, start_of: f'subscription {{ gridAlerts(zoneId: "{id}") {{ alert {{ id }} }} }}',
        _of_market,
    ),
}


@dataclass(frozen=True)
class Given:
    """Input of a mutation; `hidden` names, for each kind of id in it, a row that some role does not see."""

    values: Callable[[Callable[[str], str]], Mapping[str, Any]] = lambda id: {}
    hidden: dict[str, str] = field(default_factory=dict)
    kind: str | None = None

    def input_type(self, mutation: str) -> str:
        return self.kind or f"{mutation[0].upper()}{mutation[1:]}Input"

    def input(self, id_of: IdOf, ids: Mapping[str, str]) -> Mapping[str, Any]:
        """The input with the given ids, and those of what everybody sees."""
        return self.values(lambda entity: ids.get(entity) or id_of(entity, self.hidden[entity]))


PERIOD = {"start": "2026-01-31T23:00:00Z", "end": "2026-02-28T23:00:00Z"}
B = {"Community": "B"}
RULE = {"TradingRule": "gus's"}
# Inputs name only what the roles they are tried with may not see, so that nothing is done.
MUTATIONS: dict[str, Given] = {
    "logIn": Given(),
    "refreshSession": Given(),
    "logOut": Given(),
    "createApiKey": Given(),
    "createCommunity": Given(),
    "revokeApiKey": Given(lambda id: {"id": id("ApiKey")}, {"ApiKey": "partner that reads"}),
    "updateCommunity": Given(lambda id: {"id": id("Community"), "expectedVersion": 7, "name": "x"}, B),
    "closeCommunity": Given(lambda id: {"id": id("Community"), "expectedVersion": 7}, B),
    "addMember": Given(lambda id: {"communityId": id("Community"), "kind": "CONSUMER", "roles": []}, B),
    "endMembership": Given(
        lambda id: {"membershipId": id("Membership"), "validTo": "2020-01-01"}, {"Membership": "cyn in A"}
    ),
    "registerMeteringPoint": Given(
        lambda id: {
            "communityId": id("Community"),
            "membershipId": id("Membership"),
            "code": "NEW-CODE",
            "codeKind": "GENERIC",
            "directions": ["WITHDRAWN"],
        },
        {"Community": "B", "Membership": "cyn in A"},
    ),
    "addAsset": Given(
        lambda id: {
            "communityId": id("Community"),
            "meteringPointId": id("MeteringPoint"),
            "name": "x",
            "kind": "PV",
            "powerKw": "1",
        },
        {"Community": "B", "MeteringPoint": "cyn"},
    ),
    "setSharingKey": Given(
        lambda id: {
            "communityId": id("Community"),
            "kind": "STATIC",
            "validFrom": "2020-01-01T00:00:00Z",
            "shares": [{"meteringPointId": id("MeteringPoint"), "direction": "WITHDRAWN", "share": "0.5"}],
        },
        {"Community": "B", "MeteringPoint": "cyn"},
    ),
    "allocatePeriod": Given(lambda id: {"communityId": id("Community"), "period": PERIOD}, B),
    "markNotificationsRead": Given(lambda id: {"ids": [id("Notification")]}, {"Notification": "ada's"}),
    "setNotificationPreference": Given(),
    "setQuietHours": Given(),
    "setEngagementPreference": Given(),
    "registerWebhook": Given(),
    "rotateWebhookSecret": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
    "removeWebhook": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
    "testWebhook": Given(lambda id: {"id": id("Webhook")}, {"Webhook": "ada's"}),
    "cancelJob": Given(lambda id: {"id": id("Job")}, {"Job": "gus's"}),
    "createMarket": Given(),
    "setMarketCharge": Given(),
    "makeStatements": Given(),
    "openAuction": Given(),
    "bidInAuction": Given(),
    "cancelAuction": Given(),
    "amendOrder": Given(lambda id: {"id": id("Order"), "idempotencyKey": "k"}, {"Order": "gus's"}),
    "linkZones": Given(),
    "haltZone": Given(),  # Zones and alerts are public.
    "resumeZone": Given(),
    "setZoneLimit": Given(),
    "removeZoneLimit": Given(),
    "setZoneCapacity": Given(),
    "issueGridAlert": Given(),
    "withdrawGridAlert": Given(),
    "startVerification": Given(),
    "setPriceModel": Given(),
    "setGridTariff": Given(),
    "createPriceAlert": Given(),
    "updatePriceAlert": Given(
        lambda id: {"id": id("PriceAlert"), "expectedVersion": 7, "threshold": "0.1", "direction": "ABOVE"},
        {"PriceAlert": "bob's"},
    ),
    "removePriceAlert": Given(lambda id: {"id": id("PriceAlert")}, {"PriceAlert": "bob's"}),
    "requestDeposit": Given(),
    "requestWithdrawal": Given(),
    "cancelPayment": Given(lambda id: {"id": id("Payment")}, {"Payment": "gus's"}),
    "createTradingRule": Given(),
    "updateTradingRule": Given(
        lambda id: {"id": id("TradingRule"), "expectedVersion": 7, "terms": {"name": "x", "timezone": "UTC"}}, RULE
    ),
    "activateTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
    "pauseTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
    "endTradingRule": Given(lambda id: {"id": id("TradingRule"), "expectedVersion": 7}, RULE),
    "simulateTradingRule": Given(lambda id: {"id": id("TradingRule"), "period": PERIOD}, RULE),
    "placeOrder": Given(),
    "cancelOrder": Given(lambda id: {"id": id("Order")}, {"Order": "gus's"}),
    "cancelCertificate": Given(lambda id: {"id": id("Certificate")}, {"Certificate": "bob's"}),
}
