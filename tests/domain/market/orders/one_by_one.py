"""Placing one order after another, with one plain statement for each row: what `place_many` must come to."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry, AuditHead
from domain.events.tables import Event, EventStream
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotAllowed, NotFound
from domain.kernel.idempotency import IdempotencyKey, IdempotencyKeyReused
from domain.market.orders.placements import Request
from domain.market.orders.placing import PlacingOutcome
from domain.market.orders.tables import Order, OrderInterval
from domain.market.orders.validation import SourceNotOwned, Terms, check
from domain.market.places.tables import Market


async def place_all(session: AsyncSession, requests: Sequence[Request], now: datetime) -> list[PlacingOutcome]:
    """What becomes of requests when each is a transaction of its own."""
    outcomes: list[PlacingOutcome] = []
    for request in requests:
        try:
            outcomes.append(await _place(session, request, now))
        except DomainError as refused:
            outcomes.append(refused)
    return outcomes


async def _place(session: AsyncSession, request: Request, now: datetime) -> UUID:
    viewer, key, proposal = request.viewer, request.key, request.proposal
    if viewer.api_key_id is not None and "trade" not in viewer.scopes:
        raise NotAllowed("place orders with this key")
    if not 1 <= len(key) <= 200 or "\x00" in key:
        raise InvalidValue(("idempotencyKey",), "A key has 1 to 200 characters, none of them NUL.")
    digest = hashlib.sha256(json.dumps({"act": "order.place"} | proposal.facts, sort_keys=True).encode()).digest()
    used = await session.get(IdempotencyKey, (viewer.key, key), populate_existing=True)
    if used is not None:
        if used.input_digest != digest:
            raise IdempotencyKeyReused(key, used.created_at)
        return used.result_id
    market = await session.get(Market, proposal.market_id)
    if market is None:
        raise NotFound("market", proposal.market_id)
    check(proposal, Terms(market.delivery_minutes, market.horizon_hours), now)
    if proposal.source is not None:  # Nobody here has a plant.
        raise SourceNotOwned(proposal.source, frozenset())
    order_id = await _store(session, request, market)
    await _record(session, request, order_id)
    await _announce(session, request)
    session.add(IdempotencyKey(actor=viewer.key, key=key, input_digest=digest, result_id=order_id))
    await session.flush()
    return order_id


async def _store(session: AsyncSession, request: Request, market: Market) -> UUID:
    proposal, order_id = request.proposal, new_id()
    facts: dict[str, Any] = {"market_id": market.id, "energy_ukwh": proposal.energy_ukwh}
    order = facts | {
        "id": order_id,
        "owner_id": request.viewer.user_id,
        "side": proposal.side,
        "limit_price_ueur_per_kwh": proposal.limit_price_ueur_per_kwh,
        "delivery_start": proposal.delivery.start,
        "delivery_end": proposal.delivery.end,
        "source": proposal.source,
    }
    await session.execute(insert(Order).values(order))
    start = proposal.delivery.start
    while start < proposal.delivery.end:
        await session.execute(insert(OrderInterval).values(facts | {"order_id": order_id, "delivery_start": start}))
        start += timedelta(minutes=market.delivery_minutes)
    return order_id


async def _record(session: AsyncSession, request: Request, order_id: UUID) -> None:
    chain, at = str(request.proposal.market_id), datetime.now(UTC)
    head = (await session.execute(select(AuditHead.sequence, AuditHead.hash).where(AuditHead.chain == chain))).one()
    content = {
        "chain": chain,
        "sequence": head.sequence + 1,
        "at": at.isoformat(),
        "actor": request.viewer.key,
        "act": "order.place",
        "subject": ["Order", str(order_id)],
        "facts": request.proposal.facts,
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    entry = {
        "chain": chain,
        "sequence": head.sequence + 1,
        "previous_hash": head.hash,
        "hash": hashlib.sha256(head.hash + canonical).digest(),
        "at": at,
        "actor": request.viewer.key,
        "act": "order.place",
        "subject_type": "Order",
        "subject_id": order_id,
        "facts": request.proposal.facts,
    }
    await session.execute(insert(AuditEntry).values(entry))
    end = {"sequence": entry["sequence"], "hash": entry["hash"]}
    await session.execute(update(AuditHead).where(AuditHead.chain == chain).values(end))


async def _announce(session: AsyncSession, request: Request) -> None:
    stream, delivery = f"market:{request.proposal.market_id}:book", request.proposal.delivery
    last = await session.scalar(select(func.max(EventStream.sequence)).where(EventStream.stream == stream))
    if last is None:
        await session.execute(insert(EventStream).values(stream=stream, sequence=0))
    sequence = (last or 0) + 1
    await session.execute(update(EventStream).where(EventStream.stream == stream).values(sequence=sequence))
    payload = {"from": delivery.start.isoformat(), "to": delivery.end.isoformat()}
    await session.execute(insert(Event).values(stream=stream, sequence=sequence, payload=payload))
