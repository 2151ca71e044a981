"""Orders that may not be amended."""

from tests.api.hostile.rows import NOBODYS, Row, done, of
from tests.api.market.orders.requests import amended

AMENDED = (
    Row("an amendment that changes nothing", amended(), 200, "INVALID_INPUT", "Say what is to change. [id]"),
    Row(
        "an amendment to no energy",
        amended(energyKwh="0"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an amendment to less than no energy",
        amended(energyKwh="-1"),
        200,
        "INVALID_INPUT",
        "The energy must be 0.001 to 100000 kWh in each delivery interval. [energyKwh]",
    ),
    Row(
        "an amendment that costs more than one has",
        amended(energyKwh="1000", limitPrice="4"),
        200,
        "INSUFFICIENT_FUNDS",
        "The available balance does not cover this.",
    ),
    Row(
        "an amendment to a price of 1,000 EUR/kWh",
        amended(limitPrice="1000"),
        200,
        "INVALID_INPUT",
        "The limit price must be -4 to 4 EUR/kWh. [limitPrice]",
    ),
    Row(
        "an amendment to a minimum fill above the order",
        amended(minimumFillKwh="1.001"),
        200,
        "INVALID_INPUT",
        "A minimum fill is a multiple of 0.001 kWh, and at most the order's energy. [minimumFillKwh]",
    ),
    Row(
        "an amendment that has expired",
        amended(validUntil="2026-01-01T00:00:00Z"),
        200,
        "INVALID_INPUT",
        "The order would have expired already. [validUntil]",
    ),
    Row("another's order amended", amended("gus's", energyKwh="0.5"), 200, "NOT_FOUND", "There is no order"),
    Row(
        "an order amended that is filled",
        amended("bob's", energyKwh="0.5"),
        200,
        "ORDER_CLOSED",
        "The order is already closed: filled. [id]",
    ),
    Row(
        "an order amended with the key that placed it",
        done(
            "amendOrder", of("Order", "bob's that is open", idempotencyKey="to be amended", energyKwh="0.5"), "member"
        ),
        200,
        "IDEMPOTENCY_KEY_REUSED",
        "This idempotency key was already used with another input. [idempotencyKey]",
    ),
    Row(
        "an order amended with an empty key",
        done("amendOrder", of("Order", "bob's that is open", idempotencyKey="", energyKwh="0.5"), "member"),
        200,
        "INVALID_INPUT",
        "A key has 1 to 200 characters, none of them NUL. [idempotencyKey]",
    ),
    Row(
        "an order amended by who may only read",
        amended("ada's", "partner that reads", energyKwh="0.5"),
        200,
        "FORBIDDEN",
        "Applications may not do this: the key needs the scope trade.",
    ),
    Row(
        "an amendment of an order that is not there",
        done("amendOrder", {"id": f"Order:{NOBODYS}", "idempotencyKey": "hostile", "energyKwh": "1"}, "member"),
        200,
        "NOT_FOUND",
        "There is no order",
    ),
)
