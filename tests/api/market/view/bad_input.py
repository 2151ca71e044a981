"""Analytics, statistics and exports that may not be."""

from collections.abc import Callable
from typing import Any

from tests.api.grid.bad_input import shown
from tests.api.hostile.rows import IdOf, Row, Section, Sent, asked


def exported(query: str, role: str = "member") -> Callable[[IdOf], Sent]:
    return lambda id_of: Sent(method="GET", path=f"/v1/exports/trading?{query}", role=role)


def summed(arguments: str) -> Any:
    return asked(f"{{ viewer {{ tradingStatistics({arguments}) {{ timezone }} }} }}", role="member")


SPAN = "start=2026-03-01T00:00:00Z&end=2026-04-01T00:00:00Z"
LONG = 'period: {start: "2020-01-01T00:00:00Z", end: "2026-01-01T00:00:00Z"}'

ANALYTICS = (
    Row(
        "analytics between quarter-hours",
        shown("analytics", ("2026-01-01T00:01:00Z", "2026-01-01T00:16:00Z")),
        200,
        "BAD_USER_INPUT",
        "The period must begin and end on quarter-hours, UTC. [period]",
    ),
)

STATISTICS_AND_EXPORTS = (
    Row(
        "statistics of six years",
        summed(f"{LONG}, by: MONTH"),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 800 days. [period]",
    ),
    Row(
        "statistics by the clocks of Mars",
        summed('period: {start: "2026-01-01T00:00:00Z", end: "2026-02-01T00:00:00Z"}, by: DAY, timezone: "Mars"'),
        200,
        "BAD_USER_INPUT",
        "It must be a name of the time zone database",
    ),
    Row(
        "an export of secrets",
        exported(f"kind=secrets&format=csv&{SPAN}"),
        400,
        "BAD_USER_INPUT",
        "kind must be one of trades, orders, statistics. [kind]",
    ),
    Row(
        "an export as a program",
        exported(f"kind=trades&format=exe&{SPAN}"),
        400,
        "BAD_USER_INPUT",
        "format must be one of csv, xlsx. [format]",
    ),
    Row(
        "an export of another's trades",
        exported(f"kind=trades&format=csv&user=gus&{SPAN}"),
        400,
        "BAD_USER_INPUT",
        "There is no parameter 'user'. [user]",
    ),
    Row(
        "an export of all time",
        exported("kind=trades&format=csv&start=0002-01-01T00:00:00Z&end=9998-01-01T00:00:00Z"),
        400,
        "BAD_USER_INPUT",
        "The period is longer than 800 days. [period]",
    ),
    Row(
        "an export that ends before it starts",
        exported("kind=orders&format=csv&start=2026-03-01T00:00:00Z&end=2026-02-01T00:00:00Z"),
        400,
        "BAD_USER_INPUT",
        "The period must end after it starts. [period]",
    ),
    Row(
        "an export by a meter",
        exported(f"kind=trades&format=csv&{SPAN}", "meter gateway"),
        403,
        "FORBIDDEN",
        "Orders and trades are for people, and for applications that may read or trade.",
    ),
    Row("an export by nobody", exported(f"kind=trades&format=csv&{SPAN}", "nobody"), 401, "UNAUTHENTICATED", "Sign in"),
)

SECTIONS = (
    Section("Zones and the audit log", ANALYTICS, place=121),
    Section("Trading rules, statistics and exports", STATISTICS_AND_EXPORTS, place=151),
)
