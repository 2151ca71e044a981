"""Searches of the audit log and verifications that may not be."""

from typing import Any

from tests.api.hostile.rows import STRONGEST, Row, Section, asked, done

REASON = {"reason": "hostile"}


def searched(filter: Any, role: str = STRONGEST, page: str = "") -> Any:
    document = f"query ($filter: AuditEntryFilter) {{ auditEntries(filter: $filter{page}) {{ edges {{ cursor }} }} }}"
    return asked(document, lambda id_of: {"filter": filter(id_of) if callable(filter) else filter}, role)


AUDIT = (
    Row(
        "the audit log of a community by a member",
        searched(lambda id_of: {"scopeId": id_of("Community", "A")}, "member"),
        200,
        "FORBIDDEN",
        "You may not read this part of the audit log.",
    ),
    Row(
        "the whole audit log by who administers a community",
        searched(None, "administrator"),
        200,
        "FORBIDDEN",
        "You may not read this part of the audit log.",
    ),
    Row(
        "the audit log of an order",
        searched(lambda id_of: {"scopeId": id_of("Order", "bob's")}),
        200,
        "BAD_USER_INPUT",
        "scopeId is the id of a Community, Market, MarketZone, or `platform`. [scopeId]",
    ),
    Row(
        "the audit log of an actor with NUL",
        searched({"actor": "a\x00"}),
        200,
        "BAD_USER_INPUT",
        "actor must have 1 to 200 characters, none of them NUL. [actor]",
    ),
    Row(
        "a page of 101 entries of the audit log",
        searched(None, page=", first: 101"),
        200,
        "BAD_USER_INPUT",
        "first must be between 0 and 100. [first]",
    ),
    Row(
        "the audit log after a forged cursor",
        searched(None, page=', after: "AUDIT:x:-1:2026-01-01T00:00:00+00:00"'),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "a verification by a member",
        done("startVerification", REASON, "member"),
        200,
        "FORBIDDEN",
        "You may not verify the platform.",
    ),
)

SECTIONS = (Section("Zones and the audit log", AUDIT, place=123),)
