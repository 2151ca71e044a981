"""Leaderboards, insights and preferences that may not be."""

from typing import Any

from tests.api.hostile.rows import Row, Section, asked, done, of

BOARD = """
query ($id: ID!, $kind: LeaderboardKind!, $month: Date!, $first: Int!) { node(id: $id) { ... on Community {
  leaderboard(kind: $kind, month: $month, first: $first) { rankedCount } } } }
"""


def ranked(month: Any = "2026-03-01", role: str = "member", kind: Any = "RELIABILITY", first: Any = 10) -> Any:
    return asked(BOARD, of("Community", "A", kind=kind, month=month, first=first), role)


def insights(month: str) -> Any:
    return asked(f"{{ viewer {{ insights(month: {month}) {{ period {{ start }} }} }} }}", role="member")


ENGAGEMENT = (
    Row("a leaderboard of the 2nd", ranked("2026-03-02"), 200, "BAD_USER_INPUT", "Give the first day of the month."),
    Row("a leaderboard of the future", ranked("2998-01-01"), 200, "BAD_USER_INPUT", "The month has not begun."),
    Row("a leaderboard of antiquity", ranked("0002-01-01"), 200, "BAD_USER_INPUT", "more than 60 months ago"),
    Row("a leaderboard of month 13", ranked("2026-13-01"), 400, "BAD_USER_INPUT", "A Date is text such as"),
    Row("a leaderboard of no kind", ranked(kind="WEALTH"), 400, "BAD_USER_INPUT", "LeaderboardKind"),
    Row("a leaderboard without places", ranked(first=0), 200, "BAD_USER_INPUT", "It must be 1 to 100."),
    Row("a leaderboard of 101 places", ranked(first=101), 200, "BAD_USER_INPUT", "It must be 1 to 100."),
    Row("a leaderboard of less than no places", ranked(first=-5), 200, "BAD_USER_INPUT", "It must be 1 to 100."),
    Row("insights of the 31st", insights('"2026-03-31"'), 200, "BAD_USER_INPUT", "Give the first day of the month."),
    Row("insights of the future", insights('"2998-01-01"'), 200, "BAD_USER_INPUT", "The month has not begun."),
    Row("insights of no month", insights('"March"'), 400, "GRAPHQL_VALIDATION_FAILED", "A Date is text such as"),
    Row(
        "opting out by half",
        done("setEngagementPreference", {"optOut": "half"}, "member"),
        400,
        "BAD_USER_INPUT",
        "Boolean cannot represent a non boolean value",
    ),
    Row(
        "opting out of nothing",
        done("setEngagementPreference", {}, "member"),
        400,
        "BAD_USER_INPUT",
        "optOut",
    ),
    Row(
        "an application that opts its owner out",
        done("setEngagementPreference", {"optOut": True}, "partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this.",
    ),
)

SECTIONS = (Section("Leaderboards, insights and preferences", ENGAGEMENT, place=170),)
