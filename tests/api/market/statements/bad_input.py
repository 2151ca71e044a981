"""Statements that may not be made or read."""

from collections.abc import Callable

from tests.api.hostile.rows import IdOf, Row, Section, Sent, done


def stated(query: str, role: str = "member") -> Callable[[IdOf], Sent]:
    return lambda id_of: Sent(method="GET", path=f"/v1/statements?{query}", role=role)


STATEMENTS = (
    Row(
        "statements made by a member",
        done("makeStatements", {"month": "2026-01-01"}, "member"),
        200,
        "FORBIDDEN",
        "You may not make statements.",
    ),
    Row(
        "statements of a month that is not over",
        done("makeStatements", {"month": "2096-01-01"}),
        200,
        "INVALID_INPUT",
        "The month is not over. [month]",
    ),
    Row(
        "statements of a month from its second day on",
        done("makeStatements", {"month": "2026-01-02"}),
        200,
        "INVALID_INPUT",
        "Give the first day of the month. [month]",
    ),
    Row(
        "statements of a month that is none",
        done("makeStatements", {"month": "2026-13-01"}),
        400,
        "BAD_USER_INPUT",
        "A Date is text such as",
    ),
    Row(
        "another's statement",
        stated("number=2&format=json"),
        400,
        "BAD_USER_INPUT",
        "You have no such statement. [number]",
    ),
    Row(
        "a statement that is not there",
        stated("number=99&format=json"),
        400,
        "BAD_USER_INPUT",
        "You have no such statement. [number]",
    ),
    Row(
        "a statement of a negative number",
        stated("number=-1&format=json"),
        400,
        "BAD_USER_INPUT",
        "number must be that of a statement. [number]",
    ),
    Row(
        "a statement of a number of ten digits",
        stated("number=9999999999&format=json"),
        400,
        "BAD_USER_INPUT",
        "number must be that of a statement. [number]",
    ),
    Row(
        "a statement without a number",
        stated("format=json"),
        400,
        "BAD_USER_INPUT",
        "number must be that of a statement. [number]",
    ),
    Row(
        "a statement as a program",
        stated("number=1&format=exe"),
        400,
        "BAD_USER_INPUT",
        "format must be one of pdf, csv, json. [format]",
    ),
    Row(
        "a statement for somebody else",
        stated("number=1&format=json&user=gus"),
        400,
        "BAD_USER_INPUT",
        "There is no parameter 'user'. [user]",
    ),
    Row("a statement for nobody", stated("number=1&format=json", "nobody"), 401, "UNAUTHENTICATED", "Sign in first."),
    Row(
        "a statement for who may only trade",
        stated("number=1&format=json", "partner that trades"),
        403,
        "FORBIDDEN",
        "Statements are for people, and for applications with the scope read.",
    ),
)

SECTIONS = (Section("Auctions, charges and statements", STATEMENTS, place=102),)
