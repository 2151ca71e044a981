"""`POST /payments/callbacks`: the payment provider tells what became of a payment.

    {"type": "payment.succeeded", "payment": "0193...", "amount": "25.00", "currency": "EUR"}
    {"type": "payment.failed", "payment": "0193...", "amount": "25.00", "currency": "EUR", "reason": "DECLINED"}

`payment` is the reference under which the provider was asked. The headers webhook-id, webhook-timestamp and
webhook-signature are those of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body` by the secret that provider and
platform share. The id names the answer: sent again, it is acknowledged and changes nothing.

200 {"payment", "isRepeated"}. Else {"errors": [{"message", "extensions": {"code", ...}}]} and nothing changed:
400 not of this shape; 401 SIGNATURE_INVALID, CALLBACK_STALE; 404 PAYMENT_UNKNOWN; 409 PAYMENT_NOT_ASKED (sent too
early: send it again), PAYMENT_CLOSED, EVENT_ID_REUSED; 422 WRONG_AMOUNT.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from starlette.requests import Request
from starlette.routing import BaseRoute

from api.resources import clock
from api.resources.database import Database
from api.resources.settings import Settings
from api.rest import acts
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import BadUserInput
from domain.kernel.errors import DomainError, NotFound
from domain.kernel.grammars import exact_json
from domain.kernel.quantities import NotAQuantity, format_micro, parse_micro
from domain.ledger import answers
from domain.ledger.answers import Answer, EventIdReused, NotYetAsked, PaymentOutcome, WrongAmount
from domain.ledger.payments import PaymentClosed
from domain.notifications import signatures
from domain.notifications.signatures import ForgedSignature

PATH = "/payments/callbacks"
BODY_LIMIT = BodyLimit(bytes_max=16 * 2**10, seconds_max=5)
POINTS = 1
PROVIDER = "simulated"
ID_MAX, REASON_MAX = 200, 120
OUTCOMES = {"payment.succeeded": PaymentOutcome.SUCCEEDED, "payment.failed": PaymentOutcome.FAILED}


class StaleCallback(DomainError):
    """The callback was signed too long ago, or in the future."""

    def __init__(self) -> None:
        super().__init__("The timestamp is more than five minutes from now: sign it again.")


# What is refused: its status, code and the facts that it tells.
REFUSED: Mapping[type[DomainError], tuple[int, str, Any]] = {
    ForgedSignature: (401, "SIGNATURE_INVALID", lambda error: {}),
    StaleCallback: (401, "CALLBACK_STALE", lambda error: {}),
    NotFound: (404, "PAYMENT_UNKNOWN", lambda error: {"payment": str(error.id)}),
    NotYetAsked: (409, "PAYMENT_NOT_ASKED", lambda error: {"payment": str(error.payment_id)}),
    PaymentClosed: (409, "PAYMENT_CLOSED", lambda error: {"status": error.status.value}),
    EventIdReused: (409, "EVENT_ID_REUSED", lambda error: {"event": error.event_id}),
    WrongAmount: (
        422,
        "WRONG_AMOUNT",
        lambda error: {"expected": format_micro(error.expected_ueur), "given": format_micro(error.given_ueur)},
    ),
}


def _shown(code: str, facts: Any) -> Any:
    return lambda error: {"errors": [{"message": error.message, "extensions": {"code": code, **facts(error)}}]}


REFUSALS: acts.Refusals = {error: _shown(code, facts) for error, (_, code, facts) in REFUSED.items()}
STATUSES: acts.Statuses = {error: status for error, (status, _, _) in REFUSED.items()}


def routes(database: Database, configured: Settings) -> list[BaseRoute]:
    """The route; put `{PATH: BODY_LIMIT}` into the transport's body limits. Without a secret nobody is believed."""

    secret = configured.payment_secret

    async def post(request: Request) -> dict[str, Any]:
        now = clock.outside()
        body = await acts.body_of(request, BODY_LIMIT.bytes_max)
        answer = _answer(_signed(request, body, secret, now), body)
        async with database.transaction() as session:
            is_new = await answers.record(session, answer, now=now)
        return {"payment": str(answer.payment_id), "isRepeated": not is_new}

    return [acts.post(PATH, post, REFUSALS, STATUSES)]


def _signed(request: Request, body: bytes, secret: SecretStr | None, now: datetime) -> str:
    """The id of a callback that the provider signed just now. Raises ForgedSignature, StaleCallback."""
    id, timestamp, signature = (request.headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if secret is None or not 1 <= len(id) <= ID_MAX or not id.isascii() or not id.isprintable():
        raise ForgedSignature("No signature fits.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 11):
        raise ForgedSignature("The timestamp is not a number of seconds.")
    at = datetime.fromtimestamp(int(timestamp), UTC)
    signatures.verify(secret.get_secret_value().encode(), id, timestamp, signature, body, now=at)
    if abs(now - at) > signatures.TOLERANCE:
        raise StaleCallback
    return id


def _answer(event_id: str, body: bytes) -> Answer:
    """What a body of the right shape says. Raises BadUserInput."""
    try:
        given = exact_json(body)
        outcome, payment_id = OUTCOMES[given["type"]], UUID(given["payment"])
        amount_ueur, currency, reason = parse_micro(given["amount"]), given["currency"], given.get("reason")
    except (ValueError, KeyError, TypeError, AttributeError, NotAQuantity) as error:
        raise BadUserInput("The body is not that of an answer: type, payment, amount, currency.") from error
    if currency != "EUR":
        raise BadUserInput("The currency is EUR.", argument="currency")
    if outcome is PaymentOutcome.FAILED and not _is_reason(reason):
        raise BadUserInput(f"A failure has a reason of 1 to {REASON_MAX} characters.", argument="reason")
    digest = hashlib.sha256(body).digest()
    failed_for = reason if outcome is PaymentOutcome.FAILED else None
    return Answer(event_id, payment_id, outcome, amount_ueur, failed_for, digest, PROVIDER)


def _is_reason(reason: Any) -> bool:
    return isinstance(reason, str) and 1 <= len(reason) <= REASON_MAX and reason.isprintable()
