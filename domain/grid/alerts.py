"""Alerts and maintenance notices of a zone, and the stream `zone:<id>:alerts` that tells of them in order.

An alert is in force from `starts_at` until it ends or is withdrawn. It is never edited, so that everybody who read it
read the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.events import feed, notices
from domain.events.notices import NewNotice
from domain.events.tables import Event
from domain.grid import operators
from domain.grid.tables import AlertKind, GridAlert, Severity
from domain.grid.words import GRID_ALERT
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue, NotFound

TITLE_MAX, TEXT_MAX = 120, 2_000
REMEMBERED = 500  # Events in which alerts that are in force are looked for.
PLATFORM = "platform"


class AlertWithdrawn(DomainError):
    """The alert was withdrawn before."""

    def __init__(self, alert_id: UUID, withdrawn_at: datetime) -> None:
        super().__init__("The alert was withdrawn already.")
        self.alert_id = alert_id
        self.withdrawn_at = withdrawn_at


@dataclass(frozen=True, slots=True)
class NewAlert:
    """An alert to be issued; without an end it stands until it is withdrawn."""

    zone_id: UUID
    kind: AlertKind
    severity: Severity
    title: str
    text: str
    starts_at: datetime
    ends_at: datetime | None = None

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is announced, for the audit log."""
        return {name: getattr(self, name) for name in self.__slots__}


def stream_of(zone_id: UUID) -> str:
    """The event stream of a zone's alerts."""
    return f"zone:{zone_id}:alerts"


async def issue(
    session: AsyncSession,
    viewer: Viewer,
    alert: NewAlert,
    *,
    reason: str | None,
    people: Collection[UUID],
    now: datetime,
) -> UUID:
    """Tell a zone and its people of something; an emergency needs a reason. Raises NotAllowed, NotFound, InvalidValue.

    `people` are the users that are told by a notice.
    """
    await operators.require(session, viewer, alert.zone_id, "issue alerts in this zone")
    alert = _checked(alert, now)
    if alert.kind is AlertKind.EMERGENCY or reason is not None:
        reason = operators.checked_reason(reason or "")
    alert_id = await _insert(session, alert, viewer.user_id)
    assert alert_id is not None
    await _tell(session, "grid_alert.issue", viewer.key, alert_id, dict(alert.facts) | {"reason": reason})
    await _announce(session, alert, alert_id, people)
    return alert_id


async def issue_by_itself(
    session: AsyncSession, alert: NewAlert, *, people: Collection[UUID], used_percent: int
) -> UUID | None:
    """Tell of congestion that was measured, by how much of the capacity is used; None while the alert of this episode
    stands.
    """
    alert_id = await _insert(session, alert, None)
    if alert_id is not None:
        await _tell(session, "grid_alert.issue", PLATFORM, alert_id, dict(alert.facts))
        await _announce(session, alert, alert_id, people, {"used_percent": used_percent})
    return alert_id


async def withdraw(session: AsyncSession, viewer: Viewer, alert_id: UUID, *, reason: str, now: datetime) -> None:
    """Take an alert back. Raises NotFound, NotAllowed, InvalidValue, AlertWithdrawn."""
    alert = await session.get(GridAlert, alert_id, with_for_update=True, populate_existing=True)
    if alert is None:
        raise NotFound("grid alert", alert_id)
    await operators.require(session, viewer, alert.zone_id, "withdraw alerts of this zone")
    reason = operators.checked_reason(reason)
    if alert.withdrawn_at is not None:
        raise AlertWithdrawn(alert_id, alert.withdrawn_at)
    await _withdraw(session, alert, viewer, reason, now)


async def end_episode(session: AsyncSession, zone_id: UUID, *, now: datetime) -> UUID | None:
    """Withdraw the automatic alert of congestion, if one stands."""
    stands = (GridAlert.issued_by_id.is_(None), GridAlert.withdrawn_at.is_(None))
    query = select(GridAlert).where(GridAlert.zone_id == zone_id, GridAlert.kind == AlertKind.CONGESTION, *stands)
    alert = (await session.scalars(query.with_for_update())).one_or_none()
    if alert is None:
        return None
    await _withdraw(session, alert, None, "The congestion is over.", now)
    return alert.id


async def standing(session: AsyncSession, zone_id: UUID, now: datetime) -> tuple[list[Event], int]:
    """The newest event of each alert that is in force or to come, in order, and the number after which news follow."""
    newest = select(Event).where(Event.stream == stream_of(zone_id)).order_by(Event.sequence.desc()).limit(REMEMBERED)
    events = list(await session.scalars(newest))
    told = {UUID(event.payload["alert_id"]): event for event in reversed(events)}
    in_force = (GridAlert.withdrawn_at.is_(None), or_(GridAlert.ends_at.is_(None), GridAlert.ends_at > now))
    stand = await session.scalars(select(GridAlert.id).where(among(GridAlert.id, told), *in_force))
    found = sorted((told[alert_id] for alert_id in stand), key=lambda event: event.sequence)
    return found, events[0].sequence if events else 0


def _checked(alert: NewAlert, now: datetime) -> NewAlert:
    if alert.ends_at is not None and alert.ends_at <= max(alert.starts_at, now):
        raise InvalidValue(("endsAt",), "An alert ends after it starts, and after now.")
    title = operators.checked_text(alert.title, TITLE_MAX, "title", "A title")
    text = operators.checked_text(alert.text, TEXT_MAX, "text", "A text")
    return NewAlert(alert.zone_id, alert.kind, alert.severity, title, text, alert.starts_at, alert.ends_at)


async def _insert(session: AsyncSession, alert: NewAlert, issued_by_id: UUID | None) -> UUID | None:
    row = insert(GridAlert).values(issued_by_id=issued_by_id, **alert.facts).on_conflict_do_nothing()
    return (await session.execute(row.returning(GridAlert.id))).scalar_one_or_none()


async def _withdraw(session: AsyncSession, alert: GridAlert, viewer: Viewer | None, reason: str, now: datetime) -> None:
    alert.withdrawn_at, alert.withdrawn_reason = now, reason
    alert.withdrawn_by_id = None if viewer is None else viewer.user_id
    await session.flush()
    actor = PLATFORM if viewer is None else viewer.key
    facts = {"zone_id": alert.zone_id, "reason": reason}
    await _tell(session, "grid_alert.withdraw", actor, alert.id, facts)
    await feed.append(session, stream_of(alert.zone_id), [{"alert_id": str(alert.id), "is_withdrawn": True}])


async def _tell(session: AsyncSession, act: str, actor: str, alert_id: UUID, facts: dict[str, Any]) -> None:
    subject = ("GridAlert", alert_id)
    await entries.record(session, act, actor=actor, subject=subject, scope_id=facts["zone_id"], facts=facts)


async def _announce(
    session: AsyncSession,
    alert: NewAlert,
    alert_id: UUID,
    people: Collection[UUID],
    measured: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    await feed.append(session, stream_of(alert.zone_id), [{"alert_id": str(alert_id), "is_withdrawn": False}])
    facts = {
        "alert_id": alert_id,
        "zone_id": alert.zone_id,
        "alert": alert.kind,
        "severity": alert.severity,
        "starts_at": alert.starts_at.isoformat(),
        "ends_at": alert.ends_at and alert.ends_at.isoformat(),
        **measured,
    }
    await notices.tell(session, [NewNotice(user_id, GRID_ALERT, facts) for user_id in sorted(people)])
