"""Who is told the sums of an allocation run: administrators, and members where its sets were admitted."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, not_, or_, select, true, type_coerce
from sqlalchemy.orm import aliased

from domain.aggregates.tables import PublishedSet
from domain.identity.viewers import Viewer, one_of
from domain.kernel.database import text_enum
from domain.kernel.suppression import Suppression
from domain.metering.tables import Direction
from domain.sharing.tables import AllocationRun

_set = aliased(PublishedSet, name="told_set")
_REASON: Any = text_enum(Suppression)


def withheld_of_run(direction: Direction) -> ColumnElement[Suppression | None]:
    """Why members are not told the sums of a direction; null where they are."""
    reason = case((func.count() == 0, Suppression.UNDECIDED.value), else_=func.max(_set.withheld))
    of_run = select(reason).where(_set.subject_id == AllocationRun.id, _set.direction == direction)
    return type_coerce(of_run.scalar_subquery(), _REASON)


def sums_of_run(*directions: Direction) -> Callable[[Viewer], ColumnElement[bool]]:
    """Who is told what is added up over people of the directions."""
    told = and_(*(withheld_of_run(direction).is_(None) for direction in directions))
    return lambda viewer: true() if viewer.is_admin else or_(_administered(viewer), told)


def not_told(viewer: Viewer) -> ColumnElement[bool]:
    """Whom a reason concerns: who does not administer the community."""
    return not_(true() if viewer.is_admin else _administered(viewer))


def _administered(viewer: Viewer) -> Any:
    return one_of(AllocationRun.community_id, viewer.administered_ids)
