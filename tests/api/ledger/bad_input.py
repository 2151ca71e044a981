"""Payments that may not be, and callbacks of who is no payment provider."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.notifications import signatures
from tests.api.hostile.rows import NOBODYS, IdOf, Row, Section, Sent, done, of

SECRET = "hostile" * 5
CALLBACK = b'{"type": "payment.succeeded", "payment": "%s", "amount": "100", "currency": "EUR"}'
ABOUT_NOBODY = CALLBACK % NOBODYS.encode()


def deposit(amount: str, key: str = "hostile", role: str = "member") -> Any:
    return done("requestDeposit", {"amount": amount, "idempotencyKey": key}, role)


def withdrawal(amount: str, role: str = "member") -> Any:
    return done("requestWithdrawal", {"amount": amount, "idempotencyKey": "hostile"}, role)


def called_back(body: bytes, secret: str = SECRET, late: timedelta = timedelta(0)) -> Callable[[IdOf], Sent]:
    """A callback, signed when it is sent."""

    def sent(id_of: IdOf) -> Sent:
        headers = signatures.headers([secret.encode()], "event", body, now=datetime.now(UTC) - late)
        return Sent(body, headers, "/payments/callbacks", role="nobody")

    return sent


def unsigned(id_of: IdOf) -> Sent:
    return Sent(ABOUT_NOBODY, {}, "/payments/callbacks")


def for_ended_payment(id_of: IdOf) -> Sent:
    """Gus's deposit has arrived already."""
    return called_back(CALLBACK % id_of("Payment", "gus's").partition(":")[2].encode())(id_of)


BOUNDS = "The amount must be 1 to 5000 EUR. [amount]"

LEDGER = (
    Row("a deposit of nothing", deposit("0"), 200, "INVALID_INPUT", BOUNDS),
    Row("a negative deposit", deposit("-25"), 200, "INVALID_INPUT", BOUNDS),
    Row("a deposit of a million", deposit("1000000"), 200, "INVALID_INPUT", BOUNDS),
    Row(
        "a deposit between cents",
        deposit("25.001"),
        200,
        "INVALID_INPUT",
        "The amount must be a multiple of 0.01 EUR. [amount]",
    ),
    Row("a deposit of an amount that is none", deposit("NaN"), 400, "BAD_USER_INPUT", "Not a Decimal"),
    Row(
        "a deposit without a key",
        deposit("25", key=""),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "a deposit by an application",
        deposit("25", role="partner that trades"),
        200,
        "FORBIDDEN",
        "Applications may not do this.",
    ),
    Row("a deposit by nobody", deposit("25", role="nobody"), 200, "UNAUTHENTICATED", "Sign in first."),
    Row(
        "a withdrawal of what one does not have",
        withdrawal("4999"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "a payment stopped that has ended",
        done("cancelPayment", of("Payment", "bob's"), "member"),
        200,
        "PAYMENT_CLOSED",
        "The payment has already ended: succeeded. [id]",
    ),
    Row(
        "another's payment stopped",
        done("cancelPayment", of("Payment", "gus's"), "member"),
        200,
        "NOT_FOUND",
        "There is no payment",
    ),
    Row("a callback without a signature", unsigned, 401, "SIGNATURE_INVALID", "No signature fits."),
    Row(
        "a callback signed by another",
        called_back(ABOUT_NOBODY, "a guess"),
        401,
        "SIGNATURE_INVALID",
        "No signature fits.",
    ),
    Row(
        "a callback overheard ten minutes ago",
        called_back(ABOUT_NOBODY, late=timedelta(minutes=10)),
        401,
        "CALLBACK_STALE",
        "The timestamp is more than five minutes from now: sign it again.",
    ),
    Row("a callback that is not JSON", called_back(b"{"), 400, "BAD_USER_INPUT", "The body is not that of an answer"),
    Row(
        "a callback for a payment that is not there",
        called_back(ABOUT_NOBODY),
        404,
        "PAYMENT_UNKNOWN",
        "There is no payment",
    ),
    Row(
        "a callback for a payment that has ended",
        for_ended_payment,
        409,
        "PAYMENT_CLOSED",
        "The payment has already ended: succeeded.",
    ),
)

SECTIONS = (Section("Payments", LEDGER, place=130),)
SETTINGS = {"payment_secret": SECRET}
