"""Sharing keys, periods and figures that may not be."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.api.hostile.rows import (
    ADMINISTRATOR,
    JANUARY,
    IdOf,
    Row,
    Section,
    Sent,
    asked,
    done,
    of,
    period,
    to_a,
)
from tests.api.metering.meter_files import FORMAT, GOOD

SERIES = """
query S($id: ID!, $member: ID!, $period: PeriodInput) {
node(id: $id) {
... on AllocationRun {
series(memberId: $member, period: $period) { start } } } }
"""
KEY_AT = "query K($id: ID!, $at: DateTime) { node(id: $id) { ... on Community { sharingKey(at: $at) { id } } } }"
LATER = {"validFrom": "2027-01-01T00:00:00Z"}


def shares(*given: tuple[str, str, str]) -> Any:
    """Shares of metering points, direction and share each."""

    def values(id_of: IdOf) -> list[dict[str, Any]]:
        return [
            {"meteringPointId": id_of("MeteringPoint", point), "direction": direction, "share": share}
            for point, direction, share in given
        ]

    return values


def figures(community: str, content: bytes = GOOD, role: str = ADMINISTRATOR) -> Callable[[IdOf], Sent]:
    """A grid operator's figures for a community."""

    def sent(id_of: IdOf) -> Sent:
        place = community if ":" in community else id_of("Community", community)
        path = f"/v1/imports/operator-figures?{urlencode(FORMAT | {'community': place})}"
        return Sent(content, {"content-type": "text/csv"}, path, role=role)

    return sent


SERIES_OF_RUNS = (
    Row(
        "a key at the end of time",
        asked(KEY_AT, of("Community", "A", at="9999-12-31T23:59:59-23:59")),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "the series of somebody who is not in the run",
        asked(SERIES, lambda id_of: {"id": id_of("AllocationRun", "six of A"), "member": id_of("Member", "gus")}),
        200,
        "BAD_USER_INPUT",
        "There is no such member in this run. [memberId]",
    ),
    Row(
        "the series of a community for a member",
        asked(SERIES, lambda id_of: {"id": id_of("AllocationRun", "six of A"), "member": id_of("Community", "A")}),
        200,
        "BAD_USER_INPUT",
        "memberId is not the id of a Member. [memberId]",
    ),
    Row(
        "a series outside the run's period",
        asked(
            SERIES,
            lambda id_of: {
                "id": id_of("AllocationRun", "six of A"),
                "member": id_of("Member", "bob"),
                "period": JANUARY,
            },
        ),
        200,
        "BAD_USER_INPUT",
        "The period must lie in the run's and start and end on its intervals. [period]",
    ),
)

SHARING = (
    Row(
        "shares of more than the whole",
        to_a(
            "setSharingKey",
            kind="STATIC",
            shares=shares(("bob", "WITHDRAWN", "0.6"), ("fred", "WITHDRAWN", "0.6")),
            **LATER,
        ),
        200,
        "INVALID_INPUT",
        "The shares of one side add up to 1.200000, more than 1. [shares]",
    ),
    Row(
        "a negative share",
        to_a("setSharingKey", kind="STATIC", shares=shares(("bob", "WITHDRAWN", "-0.1")), **LATER),
        200,
        "INVALID_INPUT",
        "A share is between 0 and 1. [shares.0.share]",
    ),
    Row(
        "a share of 1e13",
        to_a("setSharingKey", kind="STATIC", shares=shares(("bob", "WITHDRAWN", "9000000000000")), **LATER),
        200,
        "INVALID_INPUT",
        "A share is between 0 and 1. [shares.0.share]",
    ),
    Row(
        "a point named twice",
        to_a(
            "setSharingKey",
            kind="STATIC",
            shares=shares(("bob", "WITHDRAWN", "0.1"), ("bob", "WITHDRAWN", "0.1")),
            **LATER,
        ),
        200,
        "INVALID_INPUT",
        "The point is named twice for this side. [shares.1]",
    ),
    Row(
        "a share of a point elsewhere",
        to_a("setSharingKey", kind="STATIC", shares=shares(("gus", "WITHDRAWN", "0.1")), **LATER),
        200,
        "INVALID_INPUT",
        "The metering point does not take part in this community. [shares.0]",
    ),
    Row(
        "shares where none are taken",
        to_a("setSharingKey", kind="PRO_RATA", shares=shares(("bob", "WITHDRAWN", "0.1")), **LATER),
        200,
        "INVALID_INPUT",
        "A PRO_RATA key takes no word on a share of each point. [shares.0.share]",
    ),
    Row(
        "a key in an allocated period",
        to_a("setSharingKey", kind="EQUAL", validFrom="2026-02-01T00:00:00Z"),
        200,
        "OVERLAP",
        "Energy is allocated until 2026-02-28T23:00:00+00:00: a new key must start then or later. [validFrom]",
    ),
    Row(
        "a key by shares without any",
        to_a("setSharingKey", kind="STATIC", shares=[], **LATER),
        200,
        "INVALID_INPUT",
        "A STATIC key without shares would give nobody anything. [shares]",
    ),
    Row(
        "the removal of a key that was used",
        done("removeSharingKey", lambda id_of: {"id": id_of("SharingKey", "A")}),
        200,
        "OVERLAP",
        "Energy is allocated until 2026-02-28T23:00:00+00:00: a key that was used stays. [id]",
    ),
    Row(
        "a period that does not end",
        to_a("allocatePeriod", period=period("2026-01-31T23:00:00Z", "2026-01-31T23:00:00Z")),
        200,
        "BAD_USER_INPUT",
        "The period must end after it starts. [period]",
    ),
    Row(
        "days that begin at midnight elsewhere",
        to_a("allocatePeriod", period=JANUARY),
        200,
        "INVALID_INPUT",
        "A sharing period starts and ends at midnight in Europe/Luxembourg. [period]",
    ),
    Row(
        "a period in the future",
        to_a("allocatePeriod", period=period("2035-01-31T23:00:00Z", "2035-02-28T23:00:00Z")),
        200,
        "INVALID_INPUT",
        "The period has not ended yet. [period.end]",
    ),
    Row(
        "a period of two years",
        to_a("allocatePeriod", period=period("2023-12-31T23:00:00Z", "2025-12-31T23:00:00Z")),
        200,
        "INVALID_INPUT",
        "A sharing period has at most 400 days. [period]",
    ),
    Row(
        "a period at the beginning of the calendar",
        to_a("allocatePeriod", period=period("0002-01-01T00:00:00Z", "0002-01-02T00:00:00Z")),
        200,
        "INVALID_INPUT",
        "A sharing period starts and ends at midnight in Europe/Luxembourg. [period]",
    ),
)

FIGURES = (
    Row(
        "figures by a member",
        figures("A", role="member"),
        403,
        "FORBIDDEN",
        "An operator's figures are imported by administrators of the community.",
    ),
    Row(
        "figures for a hidden community",
        figures("B", role="outsider"),
        400,
        "BAD_USER_INPUT",
        "There is no such community. [community]",
    ),
    Row(
        "figures for what is no community",
        figures("Community:1"),
        400,
        "BAD_USER_INPUT",
        "community is not the id of a Community. [community]",
    ),
    Row(
        "figures that are not numbers",
        figures("A", GOOD.replace(b"0.5", b"much", 1)),
        422,
        "NOT_A_NUMBER",
        "'much' is not a decimal number [row 2, column kwh]",
    ),
    Row(
        "figures by the hour for a community of quarter-hours",
        figures("A"),
        400,
        "BAD_USER_INPUT",
        "This community shares in intervals of 15 minutes. [resolution]",
    ),
)

SECTIONS = (
    Section("Queries", SERIES_OF_RUNS, place=24),
    Section("Sharing keys, periods and jobs", SHARING, place=70),
    Section("Meter files", FIGURES, place=201),
)
