"""Balances that may not be asked for."""

from tests.api.hostile.rows import AGES, Row, Section, asked, of, period

BALANCE = """
query B($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on Community {
balance(period: $period, resolution: $resolution) { missing } } } }
"""

BALANCES = (
    Row(
        "a balance of three years by the quarter-hour",
        asked(
            BALANCE,
            of(
                "Community",
                "A",
                period=period("2023-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
                resolution="QUARTER_HOUR",
            ),
        ),
        200,
        "BAD_USER_INPUT",
        "105216 intervals are more than 10000; ask for a coarser resolution. [period]",
    ),
    Row(
        "a balance of ten thousand years by the day",
        asked(BALANCE, of("Community", "A", period=AGES, resolution="DAY")),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 3660 days. [period]",
    ),
)

SECTIONS = (Section("Queries", BALANCES, place=23),)
