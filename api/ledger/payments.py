"""Payments over GraphQL: pay in and out, and stop what the provider was not asked for yet."""

from typing import TypeVar

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge
from api.graphql.context import Info
from api.graphql.mutations import INVALID_INPUT, ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, Micro, key_of
from api.graphql.words import describe
from api.resources import clock
from domain.ledger import limits, payments, tables, visibility
from domain.ledger.tables import PaymentKind

PAYMENT_LIMIT_REACHED = ErrorCode("PAYMENT_LIMIT_REACHED", "So much may not be paid this way within 24 hours.")
PAYMENT_CLOSED = ErrorCode("PAYMENT_CLOSED", "The payment has ended, or cannot be stopped any more.")

describe(PaymentKind, "Which way a payment goes.", DEPOSIT="Into the wallet.", WITHDRAWAL="Out of the wallet.")
describe(
    tables.PaymentStatus,
    "Where a payment stands; the last three are final.",
    REQUESTED="The provider has not been asked yet.",
    PROCESSING="The provider was asked, and has not answered.",
    SUCCEEDED="The provider carried it out.",
    FAILED="It was not carried out; `failureReason` says why.",
    CANCELLED="Its owner stopped it before the provider was asked.",
)


@entity(tables.Payment, visible=visibility.payments)
class Payment(Node):
    """Money that a user pays in or out. Visible to the user, applications that may read for it, and administrators."""

    owner = edge(tables.Payment.owner_id, "User", "Who pays, or is paid.", is_optional=True)
    kind: PaymentKind = column(tables.Payment.kind, "Which way it goes.")
    status: tables.PaymentStatus = column(tables.Payment.status, "Where it stands.")
    amount_ueur: Micro = column(tables.Payment.amount_ueur, "The amount, EUR, whole cents.", name="amount")
    failure_reason: str | None = column(
        tables.Payment.failure_reason, "Why it failed, in a word such as DECLINED; null where it did not."
    )
    requested_at: DateTime = column(tables.Payment.requested_at, "When it was asked for.")
    closed_at: DateTime | None = column(tables.Payment.closed_at, "When it ended; null while it is open.")


@strawberry.type(description="The amount is smaller or larger than one payment may be, or between cents.")
class AmountNotAllowed(UserError):
    lowest: Micro | None = strawberry.field(description="The lowest amount of one payment, EUR; null between cents.")
    highest: Micro | None = strawberry.field(description="The highest amount of one payment, EUR; null between cents.")


@strawberry.type(description="The payments of 24 hours would pass what is allowed this way.")
class PaymentLimitReached(UserError):
    limit: Micro = strawberry.field(description="What may be paid this way within 24 hours, EUR.")
    used: Micro = strawberry.field(description="What was paid or asked for in the last 24 hours, EUR.")


@strawberry.type(description="The payment has ended, or is with the provider and cannot be stopped any more.")
class PaymentClosed(UserError):
    status: tables.PaymentStatus = strawberry.field(description="Where it stands.")


@refusal(limits.AmountOutOfBounds)
def _out_of_bounds(error: limits.AmountOutOfBounds) -> UserError:
    return AmountNotAllowed(
        code=INVALID_INPUT,
        message=error.message,
        path=["amount"],
        lowest=Micro(error.lowest_ueur),
        highest=Micro(error.highest_ueur),
    )


@refusal(limits.NotWholeCents)
def _between_cents(error: limits.NotWholeCents) -> UserError:
    return AmountNotAllowed(code=INVALID_INPUT, message=error.message, path=["amount"], lowest=None, highest=None)


@refusal(limits.DailyLimitReached)
def _limit_reached(error: limits.DailyLimitReached) -> UserError:
    return PaymentLimitReached(
        code=PAYMENT_LIMIT_REACHED,
        message=error.message,
        path=["amount"],
        limit=Micro(error.limit_ueur),
        used=Micro(error.used_ueur),
    )


@refusal(payments.PaymentClosed)
def _closed(error: payments.PaymentClosed) -> UserError:
    return PaymentClosed(code=PAYMENT_CLOSED, message=error.message, path=["id"], status=error.status)


Asked = TypeVar("Asked")
KEY = "Chosen by the caller, 1 to 200 characters: the same key and input again give the same payment."
AMOUNT = "The amount, EUR: whole cents; 1 to 5000 at once and 10000 within 24 hours unless the platform says otherwise."


@strawberry.input(description="Money to pay in.")
class RequestDepositInput:
    idempotency_key: str = strawberry.field(description=KEY)
    amount_ueur: Micro = strawberry.field(name="amount", description=AMOUNT)


@strawberry.input(description="Money to be paid out.")
class RequestWithdrawalInput:
    idempotency_key: str = strawberry.field(description=KEY)
    amount_ueur: Micro = strawberry.field(name="amount", description=AMOUNT)


@strawberry.input(description="A payment to stop.")
class CancelPaymentInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's payments that are REQUESTED.")


@strawberry.type(description="A deposit that was asked for; the money comes when the provider says that it arrived.")
class RequestDepositPayload(Payload):
    payment = edge(None, "Payment", "The payment.")


@strawberry.type(description="A withdrawal that was asked for; its money is set aside until the provider answers.")
class RequestWithdrawalPayload(Payload):
    payment = edge(None, "Payment", "The payment.")


@strawberry.type(description="A payment that was stopped; a withdrawal's money is available again.")
class CancelPaymentPayload(Payload):
    payment = edge(None, "Payment", "The payment.")


@strawberry.type
class PaymentMutations:
    @mutation("Pay money in; for people, not for applications.")
    async def request_deposit(self, info: Info, input: RequestDepositInput) -> RequestDepositPayload:
        return await _request(info, PaymentKind.DEPOSIT, input, RequestDepositPayload())

    @mutation("Have money paid out; for people, not for applications.")
    async def request_withdrawal(self, info: Info, input: RequestWithdrawalInput) -> RequestWithdrawalPayload:
        return await _request(info, PaymentKind.WITHDRAWAL, input, RequestWithdrawalPayload())

    @mutation("Stop a payment of the caller before the provider is asked; for people, not for applications.")
    async def cancel_payment(self, info: Info, input: CancelPaymentInput) -> CancelPaymentPayload:
        payment_id = key_of(input.id, "Payment", "id")
        async with info.context.transaction() as session:
            await payments.cancel(session, info.context.caller, payment_id, now=clock.outside())
        return leading(CancelPaymentPayload(), payment=payment_id)


async def _request(
    info: Info, kind: PaymentKind, given: RequestDepositInput | RequestWithdrawalInput, payload: Asked
) -> Asked:
    async with info.context.transaction() as session:
        payment_id = await payments.request(
            session, info.context.caller, given.idempotency_key, kind, given.amount_ueur, now=clock.outside()
        )
    return leading(payload, payment=payment_id)
