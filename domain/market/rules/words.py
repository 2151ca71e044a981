"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording, when
from domain.jobs.tables import JobKind

RUN_TRADING_RULES = JobKind("RUN_TRADING_RULES", "Places the orders of active trading rules.", lane="short")
SIMULATE_TRADING_RULE = JobKind("SIMULATE_TRADING_RULE", "Runs a trading rule over past data.")
# Why a rule was paused, or its order refused: a word of ours, or the name of the refusal.
STOPPED_FOR = {
    "ACCOUNT_DISABLED": "the account is disabled",
    "NO_METERING_POINT": "none of your metering points takes part any more",
}
REFUSED_FOR = {
    "BeyondHorizon": "the market does not trade this delivery yet",
    "CapacityExceeded": "your plants cannot inject this beside what you have offered or sold for the same time",
    "DeliveryMisaligned": "the delivery does not fit the market's delivery intervals",
    "EnergyOutOfBounds": "the energy is not within what the market allows",
    "GateClosed": "the gate for this delivery has closed",
    "IdempotencyInProgress": "the same order was being placed at this moment",
    "IdempotencyKeyReused": "another order was placed for this delivery before",
    "InsufficientFunds": "the money available in your wallet does not cover it",
    "InvalidValue": "the market does not take an order of this kind",
    "LimitExceeded": "a limit of the zone leaves no room for it",
    "MarketHalted": "trading in this zone is halted",
    "NotAllowed": "you may not trade in this market",
    "NotFound": "the market is not there any more",
    "OffLot": "the energy is no multiple of 0.001 kWh",
    "OffTick": "the price is no multiple of 0.0001 EUR/kWh",
    "PriceOutOfBounds": "the price is not within what the market allows",
    "SourceNotOwned": "none of your plants brings energy of this source",
}
TRADING_RULE = NoticeKind(
    "TRADING_RULE",
    "A trading rule acted, or could not.",
    wording=Wording(
        (
            when("Your trading rule “{rule}” was paused", event="STOPPED"),
            when("Your trading rule “{rule}” could not place an order", event="REFUSED"),
            "News of a trading rule",
        ),
        [
            (
                when("Your trading rule “{rule}” for {zone} was paused.", event="STOPPED"),
                when(
                    "An order of your trading rule “{rule}” in {zone} was refused, delivery {delivery}.",
                    event="REFUSED",
                ),
                when("One of your trading rules was paused.", event="STOPPED"),
                when("An order of one of your trading rules was refused.", event="REFUSED"),
                "There is news of one of your trading rules.",
            ),
            ("Reason: {refusal}.", "Reason: {cause}.", ""),
            (when("Other refusals of today are listed at the rule.", event="REFUSED"), ""),
        ],
        names={"cause": STOPPED_FOR, "refusal": REFUSED_FOR},
    ),
    about=(("rule_id", "TradingRule"),),
)
