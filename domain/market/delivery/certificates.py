"""Certificates of delivered renewable energy: one per seller, interval and source, in whole Wh, owned in parts.

What a seller's trades delivered from solar, wind, hydro or biomass in an interval is certified, rounded down to the
whole Wh; each buyer owns the whole Wh of its own trades, the seller what rounding leaves. They follow the granular
scheme (an hour at most, Wh, rounded down; `regulation.md` section 6), and are the platform's own: they are not
guarantees of origin, which only an issuing body issues, and must not be called so.

Every Wh has one owner and is cancelled at most once, for a stated purpose: acts are append-only, the database carries
them into holdings, and lets nobody give or cancel what it has not, or has cancelled.

Decision, 2026-11-21: corrections of deliveries raise or lower certificates to what was delivered. What was cancelled
stays cancelled, since somebody has already relied on it; if then more is owned than was delivered, the Wh that nobody
cancelled bear it, those of the seller first. Only where more was cancelled than was delivered at all does a certificate
hold more than that, and then nothing of it can be cancelled any more. Considered: to take it from the seller's next
certificates, which would let an error of one meter reach people who had no part in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import notices
from domain.events.notices import NewNotice
from domain.identity.keys import TRADE
from domain.identity.viewers import Viewer, require_scope
from domain.kernel import idempotency
from domain.kernel.database import new_id
from domain.kernel.errors import DomainError, InvalidValue, NotFound
from domain.kernel.idempotency import Use
from domain.kernel.sql import Statement
from domain.kernel.writing import Insertion
from domain.market.delivery import hours
from domain.market.delivery.tables import CertificateAct, CertificateActKind, CertificateIssue
from domain.market.delivery.words import CERTIFICATE
from domain.market.places.tables import EnergySource

RENEWABLE = (EnergySource.SOLAR, EnergySource.WIND, EnergySource.HYDRO, EnergySource.BIOMASS)
REASON_MAX = 500
Key = tuple[UUID, datetime, datetime, str]  # Seller, interval and source.


class NothingToCancel(DomainError):
    """All that the owner has of the certificate is cancelled already."""

    def __init__(self, cancelled_wh: int) -> None:
        super().__init__("All of this certificate that is yours is cancelled already.")
        self.cancelled_wh = cancelled_wh


@dataclass(slots=True)
class Certificate:
    """What was delivered of one seller, interval and source by buyer, and what owners have and cancelled; Wh."""

    key: Key
    country: str
    issue_id: UUID | None = None
    delivered_ukwh: int = 0
    of_buyers_wh: dict[UUID, int] = field(default_factory=lambda: defaultdict(int))
    owned_wh: dict[UUID, int] = field(default_factory=dict)
    cancelled_wh: dict[UUID, int] = field(default_factory=dict)

    @property
    def seller_id(self) -> UUID:
        """Who injected the energy."""
        return self.key[0]

    @property
    def delivered_wh(self) -> int:
        """What is to be certified: whole Wh of all that was delivered."""
        return self.delivered_ukwh // 1_000


class Raised(NamedTuple):
    """What an owner has more of a certificate than before."""

    owner_id: UUID
    certificate: Certificate
    energy_wh: int


class HeldRow(NamedTuple):
    """Where what an owner has of an issue is kept."""

    id: UUID
    issue_id: UUID
    owner_id: UUID


class IssueRow(NamedTuple):
    """An issue as it is stored, without when."""

    id: UUID
    seller_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    source: str
    country: str


class ActRow(NamedTuple):
    """An act as it is stored, without who did it and when."""

    id: UUID
    issue_id: UUID
    kind: CertificateActKind
    from_id: UUID | None
    to_id: UUID | None
    energy_wh: int


class DeliveredRow(NamedTuple):
    """What one buyer got of a seller, interval and source: the sum, and whole Wh of each trade."""

    seller_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    source: str
    buyer_id: UUID
    country: str
    delivered_ukwh: Decimal
    wh: Decimal


class HoldingRow(NamedTuple):
    """What one owner has of an issue."""

    id: UUID
    seller_id: UUID
    delivery_start: datetime
    delivery_end: datetime
    source: str
    country: str
    owner_id: UUID
    owned_wh: int
    cancelled_wh: int


class OwnHolding(NamedTuple):
    """What the caller has of an issue, held against cancelling."""

    issue_id: UUID
    owned_wh: int
    cancelled_wh: int


def due_wh(certificate: Certificate) -> dict[UUID, int]:
    """What each owner is to have: by deliveries, no less than it cancelled, and no more in all than was delivered.

    Where cancelled Wh make that too much, it is taken of those that are not cancelled: the seller's first, then of
    buyers in the order of their ids.
    """
    seller, whole = certificate.seller_id, certificate.delivered_wh
    by_delivery = defaultdict(int, certificate.of_buyers_wh)
    by_delivery[seller] += whole - sum(certificate.of_buyers_wh.values())
    cancelled = certificate.cancelled_wh
    owners = {*by_delivery, *certificate.owned_wh}
    due = {owner: max(by_delivery[owner], cancelled.get(owner, 0)) for owner in owners}
    excess = sum(due.values()) - max(whole, sum(cancelled.values()))
    for owner in [seller, *sorted(owners - {seller})]:
        taken = min(excess, due[owner] - cancelled.get(owner, 0))
        due[owner] -= taken
        excess -= taken
    assert excess == 0, "what is not cancelled bears the excess"
    return due


async def certify(session: AsyncSession, hour: datetime, *, actor: str, now: datetime) -> int:
    """Bring the certificates of an hour to what was delivered in it; gives how many acts that took."""
    await hours.lock(session, hour)
    found = await _read(session, hour)
    issues, acts = [], []
    raised: list[Raised] = []
    for certificate in found:
        due = due_wh(certificate)
        if certificate.issue_id is None:
            if not certificate.delivered_wh:
                continue
            certificate.issue_id = new_id()
            issues.append(IssueRow(certificate.issue_id, *certificate.key, certificate.country))
        acts += _acts(certificate, due)
        more = {owner: energy - certificate.owned_wh.get(owner, 0) for owner, energy in due.items()}
        raised += [Raised(owner, certificate, energy) for owner, energy in more.items() if energy > 0]
    if not acts:
        return 0
    await ISSUED.write(session, issues, issued_at=now)
    await ACTED.write(session, acts, actor=actor, made_at=now)
    await _tell(session, raised)
    await _record(session, hour, acts, actor)
    return len(acts)


def _acts(certificate: Certificate, due: Mapping[UUID, int]) -> list[ActRow]:
    """Issued to the seller, given to or taken back from buyers, withdrawn from the seller, in this order."""
    seller, issue_id = certificate.seller_id, certificate.issue_id
    assert issue_id is not None
    change = {owner: energy - certificate.owned_wh.get(owner, 0) for owner, energy in due.items()}
    more = sum(change.values())
    moves: list[tuple[CertificateActKind, UUID | None, UUID | None, int]] = []
    if more > 0:
        moves.append((CertificateActKind.ISSUED, None, seller, more))
    for owner in sorted(set(change) - {seller}):
        if change[owner] > 0:
            moves.append((CertificateActKind.TRANSFERRED, seller, owner, change[owner]))
        elif change[owner] < 0:
            moves.append((CertificateActKind.TRANSFERRED, owner, seller, -change[owner]))
    if more < 0:
        moves.append((CertificateActKind.WITHDRAWN, seller, None, -more))
    return [ActRow(new_id(), issue_id, *move) for move in moves]


async def _tell(session: AsyncSession, raised: Sequence[Raised]) -> None:
    """Tell each owner once of what they have more than before; of which certificate, where it is one."""
    issues = {each.certificate.issue_id for each in raised}
    held = {(row.issue_id, row.owner_id): row.id for row in await HOLDINGS.rows(session, {"issue_ids": sorted(issues)})}
    of_owner: dict[UUID, list[Raised]] = defaultdict(list)
    for each in raised:
        of_owner[each.owner_id].append(each)
    await notices.tell(session, [_notice(owner, of_owner[owner], held) for owner in sorted(of_owner)])


def _notice(owner_id: UUID, raised: Sequence[Raised], held: Mapping[tuple[Any, UUID], UUID]) -> NewNotice:
    _, starts, ends, sources = zip(*(each.certificate.key for each in raised), strict=True)
    facts: dict[str, Any] = {
        "delivery_start": min(starts).isoformat(),
        "delivery_end": max(ends).isoformat(),
        "energy_wh": sum(each.energy_wh for each in raised),
        "source": sources[0] if len(set(sources)) == 1 else None,
    }
    if len(raised) == 1:
        facts["certificate_id"] = held.get((raised[0].certificate.issue_id, owner_id))
    return NewNotice(owner_id, CERTIFICATE, facts)


async def _record(session: AsyncSession, hour: datetime, acts: Iterable[ActRow], actor: str) -> None:
    """One audit entry for an hour: how many acts of each kind, and the Wh they moved."""
    by_kind: dict[str, list[int]] = defaultdict(list)
    for act in acts:
        by_kind[act.kind.value].append(act.energy_wh)
    facts = {kind: {"acts": len(moved), "energy_wh": sum(moved)} for kind, moved in sorted(by_kind.items())}
    subject = ("DeliveryHour", None)
    await entries.record(
        session, "certificate.certify", actor=actor, subject=subject, facts={"hour": hour.isoformat()} | facts
    )


async def _read(session: AsyncSession, hour: datetime) -> list[Certificate]:
    """What was delivered in an hour, and what is certified of it; holdings are held against cancelling."""
    given = {"starts_at": hour, "ends_at": hour + hours.HOUR, "sources": [source.value for source in RENEWABLE]}
    found: dict[Key, Certificate] = {}
    for row in await DELIVERED.rows(session, given):
        key = row.seller_id, row.delivery_start, row.delivery_end, row.source
        certificate = found.setdefault(key, Certificate(key, row.country))
        certificate.delivered_ukwh += int(row.delivered_ukwh)
        certificate.of_buyers_wh[row.buyer_id] += int(row.wh)
    for holding in await HELD.rows(session, given):
        key = holding.seller_id, holding.delivery_start, holding.delivery_end, holding.source
        certificate = found.setdefault(key, Certificate(key, holding.country))
        certificate.issue_id = holding.id
        certificate.owned_wh[holding.owner_id] = holding.owned_wh
        certificate.cancelled_wh[holding.owner_id] = holding.cancelled_wh
    return [found[key] for key in sorted(found)]


async def cancel(
    session: AsyncSession, viewer: Viewer, key: str, holding_id: UUID, reason: str, *, now: datetime
) -> UUID:
    """Retire all that is left of one's own part of a certificate for a stated purpose, once per idempotency key.

    Raises NotAllowed, InvalidValue, NotFound, NothingToCancel and those of `idempotency.hold`.
    """
    require_scope(viewer, TRADE, "cancel certificates with this key")
    purpose = reason.strip()
    if not 1 <= len(purpose) <= REASON_MAX or "\x00" in purpose:
        raise InvalidValue(("reason",), f"A reason has 1 to {REASON_MAX} characters, none of them NUL.")
    facts = {"act": "certificate.cancel", "certificate": str(holding_id), "reason": purpose}
    use = Use(viewer.key, key, idempotency.digest(facts))
    known = await idempotency.hold(session, use)
    if known is not None:
        return known
    found = await OWN.rows(session, {"id": holding_id, "owner_id": viewer.user_id})
    if not found:
        raise NotFound("certificate", holding_id)
    (holding,) = found
    left = holding.owned_wh - holding.cancelled_wh
    if not left:
        raise NothingToCancel(holding.cancelled_wh)
    act = CertificateAct(
        issue_id=holding.issue_id,
        kind=CertificateActKind.CANCELLED,
        from_id=viewer.user_id,
        energy_wh=left,
        reason=purpose,
        actor=viewer.key,
        made_at=now,
    )
    session.add(act)
    await session.flush()
    told = {"energy_wh": left, "reason": purpose}
    subject = ("Certificate", holding_id)
    await entries.record(session, "certificate.cancel", actor=viewer.key, subject=subject, facts=told)
    await idempotency.remember(session, use, holding_id)
    return holding_id


DELIVERED = Statement("""
    SELECT trade.seller_id, trade.delivery_start, trade.delivery_end, trade.source, trade.buyer_id,
           min(zone.country) AS country, sum(latest.delivered_ukwh) AS delivered_ukwh,
           sum(latest.delivered_ukwh / 1000) AS wh
    FROM trade
    JOIN market ON market.id = trade.seller_market_id JOIN market_zone AS zone ON zone.id = market.zone_id
    JOIN LATERAL (SELECT delivered_ukwh FROM trade_delivery WHERE trade_id = trade.id ORDER BY version DESC LIMIT 1)
         AS latest ON true
    WHERE trade.delivery_start >= CAST(:starts_at AS timestamptz)
      AND trade.delivery_start < CAST(:ends_at AS timestamptz) AND trade.source = ANY(CAST(:sources AS text[]))
    GROUP BY trade.seller_id, trade.delivery_start, trade.delivery_end, trade.source, trade.buyer_id
""").into(DeliveredRow)
HELD = Statement("""
    SELECT issue.id, issue.seller_id, issue.delivery_start, issue.delivery_end, issue.source, issue.country,
           holding.owner_id, holding.owned_wh, holding.cancelled_wh
    FROM certificate_issue AS issue JOIN certificate_holding AS holding ON holding.issue_id = issue.id
    WHERE issue.delivery_start >= CAST(:starts_at AS timestamptz)
      AND issue.delivery_start < CAST(:ends_at AS timestamptz)
    ORDER BY holding.issue_id, holding.owner_id FOR UPDATE OF holding
""").into(HoldingRow)
HOLDINGS = Statement("""
    SELECT id, issue_id, owner_id FROM certificate_holding WHERE issue_id = ANY(CAST(:issue_ids AS uuid[]))
""").into(HeldRow)
ISSUED = Insertion("certificate_issued", IssueRow, CertificateIssue, same=("issued_at",))
# In one statement: what owners have is looked at when all of an hour has moved.
ACTED = Insertion("certificate_acted", ActRow, CertificateAct, same=("actor", "made_at"))
OWN = Statement("""
    SELECT issue_id, owned_wh, cancelled_wh FROM certificate_holding
    WHERE id = CAST(:id AS uuid) AND owner_id = CAST(:owner_id AS uuid) FOR UPDATE
""").into(OwnHolding)
