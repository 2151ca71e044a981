"""Words that this room declares: kinds of job and of notice."""

from domain.events.notices import NoticeKind, Wording
from domain.jobs.tables import JobKind

RUN_TRADING_RULES = JobKind("RUN_TRADING_RULES", "Places the orders of active trading rules.", lane="short")
SIMULATE_TRADING_RULE = JobKind("SIMULATE_TRADING_RULE", "Runs a trading rule over past data.")
TRADING_RULE = NoticeKind(
    "TRADING_RULE",
    "A trading rule acted, or could not.",
    wording=Wording(
        ("News of a trading rule",), [("Your trading rule: {what}.", "There is news of one of your trading rules.")]
    ),
)
