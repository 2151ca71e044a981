"""Certificates that may not be cancelled so, and totals of deliveries that are too much to ask for."""

from typing import Any

from tests.api.hostile.rows import NOBODYS, IdOf, Row, Section, asked, done


def cancelling(role: str = "member", **overrides: str) -> Any:
    """Bob cancels his certificate."""

    def given(id_of: IdOf) -> dict[str, str]:
        certificate = id_of("Certificate", "bob's")
        return {"id": certificate, "idempotencyKey": "hostile", "reason": "Report"} | overrides

    return done("cancelCertificate", given, role)


TOTALS = """query ($id: ID!, $period: PeriodInput!) {
  node(id: $id) { ... on Market { deliveryTotals(period: $period) { trades } } } }"""


def totals(start: str, end: str) -> Any:
    return asked(TOTALS, lambda id_of: {"id": id_of("Market", "north"), "period": {"start": start, "end": end}})


CERTIFICATES = (
    Row(
        "a certificate cancelled for no purpose",
        cancelling(reason="  "),
        200,
        "INVALID_INPUT",
        "A reason has 1 to 500 characters, none of them NUL. [reason]",
    ),
    Row(
        "a certificate cancelled for a novel",
        cancelling(reason="x" * 501),
        200,
        "INVALID_INPUT",
        "A reason has 1 to 500 characters, none of them NUL. [reason]",
    ),
    Row(
        "a certificate cancelled with an empty key",
        cancelling(idempotencyKey=""),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row("a certificate that there is not", cancelling(id=f"Certificate:{NOBODYS}"), 200, "NOT_FOUND", "There is no"),
    Row("another's certificate cancelled", cancelling("unlisted member"), 200, "NOT_FOUND", "There is no certificate"),
    Row(
        "a certificate cancelled by an application that reads",
        cancelling("partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope",
    ),
    Row("a certificate cancelled by nobody", cancelling("nobody"), 200, "UNAUTHENTICATED", "Sign in first."),
    Row(
        "totals of deliveries of ten years",
        totals("2016-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 366 days.",
    ),
)

SECTIONS = (Section("Certificates and deliveries", CERTIFICATES, place=110),)
