"""Alerts and maintenance notices of zones over GraphQL: see, issue, withdraw and follow them."""

from typing import Any

import strawberry
from sqlalchemy import ColumnElement, func, or_

from api.engine.declarations import Node, entity, extends, leading
from api.engine.fields import column, edge, many
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.grid.halts import REASON
from api.resources import clock
from domain.communities import zones
from domain.grid import alerts, tables, visibility
from domain.grid.alerts import NewAlert

ALERT_WITHDRAWN = ErrorCode("ALERT_WITHDRAWN", "The alert was withdrawn before.")


@entity(tables.GridAlert, visible=visibility.public)
class GridAlert(Node):
    """What the people of a zone should know. Visible to everybody; never edited, only withdrawn."""

    zone = edge(tables.GridAlert.zone_id, "MarketZone", "The zone.")
    kind: tables.AlertKind = column(tables.GridAlert.kind, "What it is about.")
    severity: tables.Severity = column(tables.GridAlert.severity, "How much it matters.")
    title: str = column(tables.GridAlert.title, "What it is, in a few words.")
    text: str = column(tables.GridAlert.text, "What to know, and what to do.")
    starts_at: DateTime = column(tables.GridAlert.starts_at, "From when it is in force.")
    ends_at: DateTime | None = column(
        tables.GridAlert.ends_at, "When it is no longer in force; null if it stands until it is withdrawn."
    )
    withdrawn_at: DateTime | None = column(tables.GridAlert.withdrawn_at, "When it was withdrawn; null if it was not.")
    withdrawn_reason: str | None = column(
        tables.GridAlert.withdrawn_reason, "Why it was withdrawn; null if it was not."
    )
    is_automatic: bool = column(
        tables.GridAlert.issued_by_id.is_(None), "Whether the platform issued it by itself, from measured loads."
    )
    created_at: DateTime = column(tables.GridAlert.created_at, "When it was issued.")
    issued_by = edge(
        tables.GridAlert.issued_by_id,
        "User",
        "Who issued it; null where the platform did, and unless the viewer may see them.",
        is_optional=True,
    )


@strawberry.input(description="Which alerts; all the given conditions must hold.")
class GridAlertFilter:
    kind: tables.AlertKind | None = strawberry.field(default=None, description="Those about this.")
    is_in_force: bool | None = strawberry.field(
        default=None, description="Those that have begun, have not ended and were not withdrawn; or all others."
    )


def conditions(given: GridAlertFilter) -> list[ColumnElement[bool]]:
    """The filter as SQL."""
    found: list[ColumnElement[bool]] = []
    if given.kind is not None:
        found.append(tables.GridAlert.kind == given.kind)
    if given.is_in_force is not None:
        found.append(_in_force() if given.is_in_force else ~_in_force())
    return found


def _in_force() -> ColumnElement[bool]:
    alert = tables.GridAlert
    not_over = or_(alert.ends_at.is_(None), alert.ends_at > func.statement_timestamp())
    return alert.withdrawn_at.is_(None) & (alert.starts_at <= func.statement_timestamp()) & not_over


def grid_alerts(description: str, **terms: Any) -> Any:
    """A connection of alerts with their filter."""
    return many("GridAlert", description, filter=GridAlertFilter, where=conditions, **terms)


@strawberry.type(description="The alert was withdrawn before.")
class AlertWithdrawn(UserError):
    withdrawn_at: DateTime = strawberry.field(description="When it was withdrawn.")


@refusal(alerts.AlertWithdrawn)
def _withdrawn(error: alerts.AlertWithdrawn) -> UserError:
    at = DateTime(error.withdrawn_at)
    return AlertWithdrawn(code=ALERT_WITHDRAWN, message=error.message, path=["id"], withdrawn_at=at)


@strawberry.input(description="Something that the people of a zone should know.")
class IssueGridAlertInput:
    zone_id: strawberry.ID = strawberry.field(description="Id of a zone that the caller operates.")
    kind: tables.AlertKind = strawberry.field(description="What it is about.")
    severity: tables.Severity = strawberry.field(description="How much it matters.")
    title: str = strawberry.field(description="1 to 120 characters.")
    text: str = strawberry.field(description="1 to 2000 characters.")
    starts_at: DateTime | None = strawberry.field(
        default=None, description="From when it is in force; from now on where left out."
    )
    ends_at: DateTime | None = strawberry.field(
        default=None, description="When it is no longer in force, after its start; left out, when it is withdrawn."
    )
    reason: str | None = strawberry.field(
        default=None, description="Why it is issued, 1 to 500 characters, for the audit log; needed for an EMERGENCY."
    )


@strawberry.input(description="An alert that no longer holds.")
class WithdrawGridAlertInput:
    id: strawberry.ID = strawberry.field(description="Id of an alert of a zone that the caller operates.")
    reason: str = strawberry.field(description=REASON)


@strawberry.type(description="An alert that was issued.")
class IssueGridAlertPayload(Payload):
    alert = edge(None, "GridAlert", "The alert.")


@strawberry.type(description="An alert that was withdrawn.")
class WithdrawGridAlertPayload(Payload):
    alert = edge(None, "GridAlert", "The alert.")


@extends("MarketZone")
class AlertsOfZone:
    alerts = grid_alerts("Alerts and maintenance notices of the zone, oldest first.", on=tables.GridAlert.zone_id)


@strawberry.type
class AlertMutations:
    @mutation(
        "Tell the people of a zone of an outage, of maintenance or the like: who takes part with a metering point "
        "there gets a notice. For the zone's grid operator and administrators of the platform."
    )
    async def issue_grid_alert(self, info: Info, input: IssueGridAlertInput) -> IssueGridAlertPayload:
        now = clock.now()
        zone_id = key_of(input.zone_id, "MarketZone", "zoneId")
        starts_at = input.starts_at or now
        alert = NewAlert(zone_id, input.kind, input.severity, input.title, input.text, starts_at, input.ends_at)
        async with info.context.transaction() as session:
            people = await zones.people_of(session, zone_id, day=now.date())
            alert_id = await alerts.issue(
                session, info.context.caller, alert, reason=input.reason, people=people, now=now
            )
        return leading(IssueGridAlertPayload(), alert=alert_id)

    @mutation("Withdraw an alert; for its zone's grid operator and administrators of the platform.")
    async def withdraw_grid_alert(self, info: Info, input: WithdrawGridAlertInput) -> WithdrawGridAlertPayload:
        alert_id = key_of(input.id, "GridAlert", "id")
        async with info.context.transaction() as session:
            await alerts.withdraw(session, info.context.caller, alert_id, reason=input.reason, now=clock.now())
        return leading(WithdrawGridAlertPayload(), alert=alert_id)


@strawberry.type
class AlertQueries:
    grid_alerts = grid_alerts("Alerts and maintenance notices of all zones, oldest first.")
