"""Placing orders: one or many in a transaction, each once per idempotency key.

Requests of one transaction are answered as if each came after the one before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from domain import idempotency, statements
from domain.audit import entries
from domain.audit.entries import Act
from domain.database import new_id
from domain.errors import DomainError, InvalidValue, NotFound
from domain.idempotency import Use, Used
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.market import changes
from domain.market.orders import Proposal, Terms, check
from domain.statements import Part, Statement, Transaction

KEY_MAX = 200

# The id of an order, or why none was placed.
Outcome = UUID | DomainError


@dataclass(frozen=True)
class Request:
    """What someone asks to have placed, once per key."""

    viewer: Viewer
    key: str
    proposal: Proposal

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What is proposed, for the digest and the audit log."""
        return self.proposal.facts

    @cached_property
    def use(self) -> Use:
        """The use of the key for this proposal."""
        return Use(self.viewer.key, self.key, idempotency.digest({"act": "order.place"} | self.facts))


@dataclass(frozen=True, slots=True)
class Placed:
    """A request that was found good, the id of its order and the terms of its market."""

    order_id: UUID
    request: Request
    terms: Terms

    @property
    def market_id(self) -> UUID:
        """The market it was placed in."""
        return self.request.proposal.market_id


async def place(transaction: Transaction, viewer: Viewer, key: str, proposal: Proposal, *, now: datetime) -> UUID:
    """Place an order once per idempotency key; the same request again gives the order it placed before.

    Raises NotAllowed, NotFound, InvalidValue, IdempotencyKeyReused, IdempotencyInProgress and those of `orders.check`.
    """
    (outcome,) = await place_many(transaction, [Request(viewer, key, proposal)], now=now)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def place_many(transaction: Transaction, requests: Sequence[Request], *, now: datetime) -> list[Outcome]:
    """Place orders in their order of arrival; gives for each its id, or the refusal that `place` raises.

    Raises IdempotencyInProgress where a key's first request ended at this moment: nothing may be committed then.
    Reserving money or metered capacity joins here, in this transaction (see the package's decision).
    """
    refused = [_refusal(request) for request in requests]
    open_requests = [request for request, refusal in zip(requests, refused, strict=True) if refusal is None]
    rows = iter(await _read(transaction, open_requests))
    batch = _Batch(now)
    outcomes = [
        refusal or batch.decide(request, next(rows)) for request, refusal in zip(requests, refused, strict=True)
    ]
    if batch.placed:
        await _store(transaction, batch.placed)
    return outcomes


class _Batch:
    """Decides on one request after another."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.placed: list[Placed] = []
        self.used: dict[tuple[str, str], Used] = {}  # Keys whose first request is among `placed`.

    def decide(self, request: Request, row: Any) -> Outcome:
        try:
            used = self.used.get(request.use.owner) or idempotency.used(request.use, row)
            return self._place(request, row) if used is None else used.again(request.use)
        except DomainError as refused:
            return refused

    def _place(self, request: Request, row: Any) -> UUID:
        if row.delivery_minutes is None:
            raise NotFound("market", request.proposal.market_id)
        terms = Terms(row.delivery_minutes, row.horizon_hours)
        check(request.proposal, terms, self.now)
        order_id = new_id()
        self.placed.append(Placed(order_id, request, terms))
        self.used[request.use.owner] = Used(request.use.input_digest, order_id, row.held_at)
        return order_id


def _refusal(request: Request) -> DomainError | None:
    """Why a request is refused without looking at anything stored."""
    try:
        require_scope(request.viewer, TRADE, "place orders with this key")
    except DomainError as refused:
        return refused
    assert request.viewer.user_id is not None
    if not 1 <= len(request.key) <= KEY_MAX or "\x00" in request.key:
        return InvalidValue(("idempotencyKey",), f"A key has 1 to {KEY_MAX} characters, none of them NUL.")
    return None


READ = Statement(f"""
    WITH {idempotency.HELD}
    SELECT held.is_held, held.input_digest, held.result_id, held.used_at, held.held_at,
           market.delivery_minutes, market.horizon_hours
    FROM idempotency_held AS held
    JOIN unnest(CAST(:market_ids AS uuid[])) WITH ORDINALITY AS asked (market_id, place) USING (place)
    LEFT JOIN market ON market.id = asked.market_id
    ORDER BY place
""")  # noqa: S608 - made of constants.


async def _read(transaction: Transaction, requests: Sequence[Request]) -> Sequence[Any]:
    """Hold the keys of requests, and read what is known of each key and market."""
    if not requests:
        return []
    given = idempotency.held([request.use for request in requests])
    given["market_ids"] = [request.proposal.market_id for request in requests]
    return await READ.rows(transaction, given)


async def _store(transaction: Transaction, placed: Sequence[Placed]) -> None:
    """Write orders, intervals, audit entries, events and keys; the heads of the audit chains are held until commit."""
    results = {each.request.use: each.order_id for each in placed}
    acts = [
        Act("order.place", each.request.viewer.key, ("Order", each.order_id), each.market_id, each.request.facts)
        for each in placed
    ]
    told = await statements.write(
        transaction,
        _placing(placed),
        await entries.recording(transaction, acts),
        changes.announcing((each.market_id, each.request.proposal.delivery) for each in placed),
        idempotency.remembering(results),
    )
    idempotency.check_remembered(results, told)


PLACED = """
market_proposed AS (
    SELECT * FROM unnest(
        CAST(:market_order_ids AS uuid[]), CAST(:market_ids AS uuid[]), CAST(:market_owner_ids AS uuid[]),
        CAST(:market_sides AS text[]), CAST(:market_energy AS bigint[]), CAST(:market_limit_prices AS bigint[]),
        CAST(:market_starts AS timestamptz[]), CAST(:market_ends AS timestamptz[]), CAST(:market_sources AS text[]),
        CAST(:market_delivery_minutes AS int[]))
    AS proposed (id, market_id, owner_id, side, energy, limit_price, delivery_start, delivery_end, source, minutes)),
market_placed AS (
    INSERT INTO market_order (id, market_id, owner_id, side, energy_ukwh, limit_price_ueur_per_kwh,
                              delivery_start, delivery_end, source)
    SELECT id, market_id, owner_id, side, energy, limit_price, delivery_start, delivery_end, source
    FROM market_proposed),
market_offered AS (
    INSERT INTO order_interval (order_id, delivery_start, market_id, energy_ukwh)
    SELECT id, start, market_id, energy
    FROM market_proposed, generate_series(delivery_start, delivery_end - make_interval(mins => minutes),
                                          make_interval(mins => minutes)) AS start)"""


def _placing(placed: Sequence[Placed]) -> Part:
    """Stores orders, numbered in their order, and what they offer in each delivery interval."""
    proposals = [each.request.proposal for each in placed]
    values = {
        "market_order_ids": [each.order_id for each in placed],
        "market_ids": [each.market_id for each in placed],
        "market_owner_ids": [each.request.viewer.user_id for each in placed],
        "market_sides": [proposal.side.value for proposal in proposals],
        "market_energy": [proposal.energy_ukwh for proposal in proposals],
        "market_limit_prices": [proposal.limit_price_ueur_per_kwh for proposal in proposals],
        "market_starts": [proposal.delivery.start for proposal in proposals],
        "market_ends": [proposal.delivery.end for proposal in proposals],
        "market_sources": [proposal.source and proposal.source.value for proposal in proposals],
        "market_delivery_minutes": [each.terms.delivery_minutes for each in placed],
    }
    return Part(PLACED, values, "true AS is_placed")
