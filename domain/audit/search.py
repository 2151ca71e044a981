"""Search the audit log: pages of entries of one chain, or of all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit.tables import AuditEntry
from domain.kernel.intervals import Period


@dataclass(frozen=True, slots=True)
class Criteria:
    """What entries are looked for; all that is given must hold. An act that ends in a dot stands for all below it."""

    chain: str | None = None
    actor: str | None = None
    act: str | None = None
    subject: tuple[str, UUID] | None = None
    period: Period | None = None


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an entry stands: within its chain by its number, among all chains by its time first."""

    at: datetime
    chain: str
    sequence: int


async def page(
    connection: AsyncConnection, criteria: Criteria, size: int, *, beyond: Place | None, is_backward: bool
) -> Sequence[Any]:
    """Entries after a place, or before it where backward, nearest first; at most `size`."""
    order = _order(criteria)
    query = select(*AuditEntry.__table__.columns).where(*_conditions(criteria)).limit(size)
    query = query.order_by(*(column.desc() if is_backward else column for column in order))
    if beyond is not None:
        bound = tuple_(*(literal(getattr(beyond, column.key), column.type) for column in order))
        query = query.where(tuple_(*order) < bound if is_backward else tuple_(*order) > bound)
    return (await connection.execute(query)).all()


async def count(connection: AsyncConnection, criteria: Criteria) -> int:
    """How many entries there are."""
    query = select(func.count()).select_from(AuditEntry).where(*_conditions(criteria))
    return (await connection.execute(query)).scalar_one()


def _order(criteria: Criteria) -> list[Any]:
    if criteria.chain is not None:
        return [AuditEntry.sequence]
    return [AuditEntry.at, AuditEntry.chain, AuditEntry.sequence]


def _conditions(criteria: Criteria) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if criteria.chain is not None:
        found.append(AuditEntry.chain == criteria.chain)
    if criteria.actor is not None:
        found.append(AuditEntry.actor == criteria.actor)
    if criteria.act is not None:
        is_prefix = criteria.act.endswith(".")
        matching = AuditEntry.act.startswith(criteria.act, autoescape=True) if is_prefix else None
        found.append(AuditEntry.act == criteria.act if matching is None else matching)
    if criteria.subject is not None:
        kind, key = criteria.subject
        found += [AuditEntry.subject_type == kind, AuditEntry.subject_id == key]
    if criteria.period is not None:
        found += [AuditEntry.at >= criteria.period.start, AuditEntry.at < criteria.period.end]
    return found
