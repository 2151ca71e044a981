"""Sharing keys and periods that may not be."""

from typing import Any

from tests.api.hostile.members import to_a
from tests.api.hostile.queries import JANUARY
from tests.api.hostile.rows import IdOf, Row, done, of, period

LATER = {"validFrom": "2027-01-01T00:00:00Z"}


def shares(*given: tuple[str, str, str]) -> Any:
    """Shares of metering points, direction and share each."""

    def values(id_of: IdOf) -> list[dict[str, Any]]:
        return [
            {"meteringPointId": id_of("MeteringPoint", point), "direction": direction, "share": share}
            for point, direction, share in given
        ]

    return values


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
        "a key at an instant that has one",
        to_a("setSharingKey", kind="EQUAL", validFrom="2026-02-28T23:00:00Z"),
        200,
        "INVALID_INPUT",
        "Another key starts at the same instant. [validFrom]",
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
    Row(
        "a job that has ended",
        done("cancelJob", of("Job", "ada's in A")),
        200,
        "JOB_FINISHED",
        "The job has already ended: succeeded. [id]",
    ),
)
