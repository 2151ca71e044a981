"""Placing orders: one or many in a transaction, each once per idempotency key.

Requests of one transaction are answered as if each came after the one before it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

import orjson

from domain.audit import entries
from domain.audit.entries import Act
from domain.grid.tables import LimitKind
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel import idempotency, sql
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.idempotency import Use, Used
from domain.kernel.sql import Statement, Transaction
from domain.market.orders import placements, usage
from domain.market.orders.holds import hold_ueur
from domain.market.orders.orders import Proposal
from domain.market.orders.placements import Hold, Placed, Request, Wallet
from domain.market.orders.tables import OrderFilling
from domain.market.orders.usage import Asked, Usage
from domain.market.orders.validation import Halt, Means, Terms, check, check_means
from domain.market.places import changes, charges

KEY_MAX = 200

# The id of an order, or why none was placed.
PlacingOutcome = UUID | DomainError


class Known(NamedTuple):
    """What is known of a request: its key, its market with limits and charges as JSON, and its owner's wallet.

    What is of a market is None where there is none; accounts are None where the owner has none, or was not looked at
    because the key is taken.
    """

    is_held: bool
    input_digest: bytes | None
    result_id: UUID | None
    used_at: datetime | None
    held_at: datetime
    delivery_minutes: int | None
    horizon_hours: int | None
    is_capacity_checked: bool | None
    penalty_ueur_per_kwh: int | None
    energy_vat_ppm: int | None
    available_id: UUID | None
    account_of_held_id: UUID | None
    available_ueur: int
    halt_reason: str | None
    halted_until: datetime | None
    limits: str | None
    charges: str | None

    @property
    def terms(self) -> Terms | None:
        """What the market asks of its orders; None where there is no such market."""
        if self.delivery_minutes is None or self.horizon_hours is None:
            return None
        assert self.penalty_ueur_per_kwh is not None
        assert self.energy_vat_ppm is not None
        return Terms(
            self.delivery_minutes,
            self.horizon_hours,
            charges.terms_of(self.penalty_ueur_per_kwh, self.energy_vat_ppm, self.charges),
            bool(self.is_capacity_checked),
            None if self.halt_reason is None else Halt(self.halt_reason, self.halted_until),
            _limits_ukwh(self.limits),
        )

    @property
    def wallet(self) -> Wallet | None:
        """The owner's accounts."""
        if self.available_id is None or self.account_of_held_id is None:
            return None
        return Wallet(self.available_id, self.account_of_held_id)


@lru_cache(maxsize=256)
def _limits_ukwh(text: str | None) -> Mapping[LimitKind, int]:
    return {} if text is None else {LimitKind(kind): energy for kind, energy in orjson.loads(text).items()}


async def place(transaction: Transaction, viewer: Viewer, key: str, proposal: Proposal, *, now: datetime) -> UUID:
    """Place an order once per idempotency key; the same request again gives the order it placed before.

    Raises NotAllowed, NotFound, InvalidValue, IdempotencyKeyReused, IdempotencyInProgress and those of `validation`.
    """
    (outcome,) = await place_many(transaction, [Request(viewer, key, proposal)], now=now)
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


async def place_many(transaction: Transaction, requests: Sequence[Request], *, now: datetime) -> list[PlacingOutcome]:
    """Place orders in their order of arrival; gives for each its id, or the refusal that `place` raises.

    Raises IdempotencyInProgress where a key's first request ended at this moment: nothing may be committed then.
    Keys and the owners' accounts are held from the first statement until commit, so money is reserved once.
    """
    refused = [_refusal(request) for request in requests]
    open_requests = [request for request, refusal in zip(requests, refused, strict=True) if refusal is None]
    rows = await _read(transaction, open_requests, now)
    batch = _Batch(now, await usage.read(transaction, list(_asked(open_requests, rows))))
    each_row = iter(rows)
    outcomes = [
        refusal or batch.decide(request, next(each_row)) for request, refusal in zip(requests, refused, strict=True)
    ]
    outcomes = await _answered(transaction, requests, outcomes)
    if batch.placed:
        await _store(transaction, batch.placed, now)
    return outcomes


async def _answered(
    transaction: Transaction, requests: Sequence[Request], outcomes: list[PlacingOutcome]
) -> list[PlacingOutcome]:
    """The same, but a refused repetition gives the order of its first request, which ended at this very moment.

    That one took the money or the capacity that the repetition then lacked.
    """
    refused = {
        number: requests[number].use
        for number, outcome in enumerate(outcomes)
        if isinstance(outcome, DomainError) and _refusal(requests[number]) is None
    }
    if refused:
        found = await idempotency.found_now(transaction, list(refused.values()))
        for number, use in refused.items():
            if use.owner in found:
                outcomes[number] = _outcome(found[use.owner], use)
    return outcomes


def _outcome(used: Used, use: Use) -> PlacingOutcome:
    try:
        return used.again(use)
    except DomainError as refused:
        return refused


def _asked(requests: Sequence[Request], rows: Sequence[Known]) -> Iterator[Asked]:
    """The requests whose owners or zones have to be looked at for more than money."""
    for request, row in zip(requests, rows, strict=True):
        terms = row.terms
        if row.result_id is None and terms is not None and row.is_held:
            asked = Asked(_owner(request), request.proposal, terms)
            if (asked.needs_plants or asked.terms.limits_ukwh) and _is_aligned(asked):
                yield asked


def _is_aligned(asked: Asked) -> bool:
    return asked.proposal.delivery.is_aligned(asked.terms.delivery_minutes)


def _owner(request: Request) -> UUID:
    assert request.viewer.user_id is not None
    return request.viewer.user_id


class _Batch:
    """Decides on one request after another."""

    def __init__(self, now: datetime, used_up: Usage) -> None:
        self.now = now
        self.placed: list[Placed] = []
        self.used: dict[tuple[str, str], Used] = {}  # Keys whose first request is among `placed`.
        self.reserved_ueur: dict[UUID, int] = {}  # By owner, of what was available when its accounts were locked.
        self.used_up = used_up

    def decide(self, request: Request, row: Known) -> PlacingOutcome:
        try:
            used = self.used.get(request.use.owner) or idempotency.used(request.use, row)
            return self._place(request, row) if used is None else used.again(request.use)
        except DomainError as refused:
            return refused

    def _place(self, request: Request, row: Known) -> UUID:
        terms = row.terms
        if terms is None:
            raise NotFound("market", request.proposal.market_id)
        asked = Asked(_owner(request), request.proposal, terms)
        check(request.proposal, asked.terms, self.now)
        hold = self._reserve(asked, row)
        placed = Placed(new_id(), request, terms, hold, row.wallet, self.used_up.source(asked))
        self.placed.append(placed)
        self.used[request.use.owner] = Used(request.use.input_digest, placed.order_id, row.held_at)
        return placed.order_id

    def _reserve(self, asked: Asked, row: Known) -> Hold:
        """Reserve capacity and money. Raises what `validation.check_means` raises."""
        proposal, terms = asked.proposal, asked.terms
        exposure = charges.exposure_ueur_per_kwh(
            proposal.side, proposal.limit_price_ueur_per_kwh, terms.money, _rated(asked)
        )
        intervals = 1 if proposal.filling is OrderFilling.FLEXIBLE else len(asked.starts)
        hold = Hold(exposure, hold_ueur(proposal.energy_ukwh, exposure, intervals))
        used_on_day, on_day = self.used_up.used_on_day_ukwh(asked) if terms.limits_ukwh else (0, 0)
        means = Means(
            required_ueur=hold.amount_ueur,
            available_ueur=row.available_ueur - self.reserved_ueur.get(asked.owner_id, 0),
            capacity_ukwh=self.used_up.capacity_ukwh(asked) if asked.needs_capacity else 0,
            committed_ukwh=self.used_up.committed_ukwh(asked) if asked.needs_capacity else 0,
            used_on_day_ukwh=used_on_day,
            on_day_ukwh=on_day,
            used_in_zone_ukwh=self.used_up.used_in_zone_ukwh(asked) if terms.limits_ukwh else 0,
            sources=self.used_up.sources(asked),
        )
        check_means(proposal, terms, means)
        self.reserved_ueur[asked.owner_id] = self.reserved_ueur.get(asked.owner_id, 0) + hold.amount_ueur
        if asked.needs_capacity or terms.limits_ukwh:
            self.used_up.add(asked)
        return hold


def _rated(asked: Asked) -> list[datetime]:
    """Starts of deliveries at which charges may differ: the first, unless some charge begins within the order."""
    delivery = asked.proposal.delivery
    changes_within = any(delivery.start < charge.valid_from < delivery.end for charge in asked.terms.money.charges)
    return asked.starts if changes_within else [delivery.start]


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


# Accounts are locked in the order of their ids, so that two transactions never wait for each other; so are the limits
# of zones, whose use is counted afterwards. Nobody waits at the accounts of a request whose key is taken.
READ = Statement(f"""
    WITH {idempotency.HELD},
    asked AS MATERIALIZED (
        SELECT * FROM unnest(CAST(:market_ids AS uuid[]), CAST(:owner_ids AS uuid[])) WITH ORDINALITY
             AS asked (market_id, owner_id, place)),
    funds AS MATERIALIZED (
        SELECT id, owner_id, kind, balance_ueur FROM account
        WHERE owner_id IN (SELECT owner_id FROM asked JOIN idempotency_held AS held USING (place)
                           WHERE held.is_held AND held.result_id IS NULL)
        ORDER BY id FOR UPDATE),
    wallet AS (
        SELECT owner_id, (array_agg(id) FILTER (WHERE kind = 'AVAILABLE'))[1] AS available_id,
               (array_agg(id) FILTER (WHERE kind = 'HELD'))[1] AS account_of_held_id,
               sum(balance_ueur) FILTER (WHERE kind = 'AVAILABLE')::bigint AS available_ueur
        FROM funds GROUP BY owner_id),
    bounds AS MATERIALIZED (
        SELECT zone_id, kind, energy_ukwh FROM zone_limit
        WHERE zone_id IN (SELECT zone_id FROM market WHERE id = ANY(CAST(:market_ids AS uuid[])))
        ORDER BY id FOR UPDATE)
    SELECT held.is_held, held.input_digest, held.result_id, held.used_at, held.held_at,
           market.delivery_minutes, market.horizon_hours, market.is_capacity_checked, market.penalty_ueur_per_kwh,
           market.energy_vat_ppm, wallet.available_id, wallet.account_of_held_id,
           coalesce(wallet.available_ueur, 0) AS available_ueur,
           halt.reason AS halt_reason, halt.expires_at AS halted_until,
           (SELECT json_object_agg(kind, energy_ukwh)::text FROM bounds
            WHERE bounds.zone_id = market.zone_id) AS limits,
           (SELECT json_agg(market_charge)::text FROM market_charge WHERE market_id = market.id) AS charges
    FROM idempotency_held AS held
    JOIN asked USING (place)
    LEFT JOIN market ON market.id = asked.market_id
    LEFT JOIN wallet ON wallet.owner_id = asked.owner_id
    LEFT JOIN zone_halt AS halt ON halt.zone_id = market.zone_id AND halt.lifted_at IS NULL
         AND (halt.expires_at IS NULL OR halt.expires_at > CAST(:now AS timestamptz))
    ORDER BY place
""").into(Known)  # noqa: S608 - made of constants.


async def _read(transaction: Transaction, requests: Sequence[Request], now: datetime) -> Sequence[Known]:
    """Hold the keys of requests and their owners' accounts, and read what is known of each key, market and wallet."""
    if not requests:
        return []
    given = idempotency.held([request.use for request in requests]) | {
        "market_ids": [request.proposal.market_id for request in requests],
        "owner_ids": [_owner(request) for request in requests],
        "now": now,
    }
    return await READ.rows(transaction, given)


async def _store(transaction: Transaction, placed: Sequence[Placed], now: datetime) -> None:
    """Write orders, intervals, holds, audit entries, events and keys; heads of audit chains are held until commit."""
    results = {each.request.use: each.order_id for each in placed}
    acts = [
        Act("order.place", each.request.viewer.key, ("Order", each.order_id), each.market_id, each.facts)
        for each in placed
    ]
    told = await sql.write(
        transaction,
        placements.ordering(placed),
        *placements.holding(placed, now),
        await entries.recording(transaction, acts),
        changes.announcing((each.market_id, each.request.proposal.delivery) for each in placed),
        idempotency.remembering(results),
    )
    idempotency.check_remembered(results, told.remembered)
