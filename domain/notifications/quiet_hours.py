"""Quiet hours: when a user gets no mail."""

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.kernel.errors import InvalidValue
from domain.kernel.grammars import Malformed, time_of_day_of
from domain.notifications.tables import QuietHours


def until(hours: QuietHours, now: datetime) -> datetime | None:
    """When the quiet that holds now ends, UTC; None where it does not hold. The end itself is not quiet.

    An end that the clocks skip is taken by the offset before, and one that comes twice at its next coming.
    """
    local = now.astimezone(zoneinfo.ZoneInfo(hours.timezone))
    at = local.time()
    passes_midnight = hours.ends_at < hours.starts_at
    is_late, is_early = at >= hours.starts_at, at < hours.ends_at
    if not (is_late or is_early if passes_midnight else is_late and is_early):
        return None
    day = local.date() + timedelta(days=int(passes_midnight and is_late))
    ends = [datetime.combine(day, hours.ends_at.replace(fold=fold), local.tzinfo).astimezone(UTC) for fold in (0, 1)]
    return next((end for end in ends if end > now), None)


async def set_hours(session: AsyncSession, user_id: UUID, hours: tuple[str, str, str] | None) -> None:
    """Set start, end ("22:00") and time zone of a user's quiet hours, or end them. Raises InvalidValue."""
    subject = ("User", user_id)
    if hours is None:
        await session.execute(delete(QuietHours).where(QuietHours.user_id == user_id))
        await entries.record(session, "quiet_hours.end", actor=f"user:{user_id}", subject=subject)
        return
    starts_at, ends_at = _time(hours[0], "start"), _time(hours[1], "end")
    if starts_at == ends_at:
        raise InvalidValue(("hours", "end"), "Quiet hours end at another time than they start.")
    if hours[2] not in _timezones():
        raise InvalidValue(("hours", "timezone"), "A time zone is named as in Europe/Luxembourg.")
    values = {"starts_at": starts_at, "ends_at": ends_at, "timezone": hours[2]}
    kept = insert(QuietHours).values(user_id=user_id, **values)
    await session.execute(kept.on_conflict_do_update(index_elements=[QuietHours.user_id], set_=values))
    facts = {"start": hours[0], "end": hours[1], "timezone": hours[2]}
    await entries.record(session, "quiet_hours.set", actor=f"user:{user_id}", subject=subject, facts=facts)


def _time(text: str, name: str) -> time:
    try:
        return time_of_day_of(text)
    except Malformed as error:
        raise InvalidValue(("hours", name), f"{str(error).capitalize()}.") from error


@lru_cache
def _timezones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
