"""Work that may not be looked for or repeated."""

from typing import Any

from tests.api.hostile.rows import Row, Section, asked, done

NEVER = "Job:01890000-0000-7000-8000-000000000000"


def listed(filter: Any, page: str = "") -> Any:
    document = f"""query ($filter: FailedWorkFilter) {{ platform {{
        failedJobs(filter: $filter{page}) {{ edges {{ cursor }} }} }} }}"""
    return asked(document, lambda id_of: {"filter": filter(id_of) if callable(filter) else filter})


FAILURES = (
    Row(
        "a retry by a member",
        done("retryWork", {"ids": [NEVER], "reason": "hostile"}, "member"),
        200,
        "FORBIDDEN",
        "You may not repeat work of the platform.",
    ),
    Row(
        "a retry of nothing",
        done("retryWork", {"ids": [], "reason": "hostile"}),
        200,
        "INVALID_INPUT",
        "Name 1 to 100 pieces of work. [ids]",
    ),
    Row(
        "a retry without a reason",
        done("retryWork", {"ids": [NEVER], "reason": " "}),
        200,
        "INVALID_INPUT",
        "A reason has 1 to 500 characters, none of them a control character. [reason]",
    ),
    Row(
        "a retry of a market",
        done("retryWork", lambda id_of: {"ids": [id_of("Market", "north")], "reason": "hostile"}),
        200,
        "INVALID_INPUT",
        "One of them is not the id of work that could fail. [ids]",
    ),
    Row(
        "a page of 101 failed jobs",
        listed(None, ", first: 101"),
        200,
        "BAD_USER_INPUT",
        "first must be between 0 and 100. [first]",
    ),
    Row(
        "failed jobs after a forged cursor",
        listed(None, ', after: "WORK:yesterday|Job:1"'),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "failed jobs of a market for a community",
        listed(lambda id_of: {"communityId": id_of("Market", "north")}),
        200,
        "BAD_USER_INPUT",
        "communityId is not the id of a Community. [communityId]",
    ),
    Row(
        "failed jobs of a kind with NUL",
        listed({"kind": "a\x00"}),
        200,
        "BAD_USER_INPUT",
        "kind must have 1 to 200 characters, none of them NUL. [kind]",
    ),
)

SECTIONS = (Section("Zones and the audit log", FAILURES, place=124),)
