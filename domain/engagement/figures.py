"""What persons did in a local month: SQL that sums their settled trades, shared energy and readings, exactly.

A figure is of the person, over all its communities and metering points, so that it is the same wherever it is shown:

    self-sufficiency   (shared in + delivered by trades) of what was withdrawn, at most all of it
    renewable share    delivered from solar, wind, hydro and biomass of all that was delivered to the buyer
    avoided carbon     that renewable energy x the emission factor of the grid
    traded energy      delivered by trades, as buyer or seller
    reliability        kept of what was traded, as buyer or seller
    participation      local days on which traded energy was delivered or energy was shared

Shares are millionths, rounded down, so that only all is 1. A person of whom a figure says nothing, because nothing was
withdrawn, bought or traded, has none. Of an interval that several allocations cover the newest one counts; of readings
the newest version, by participation factor.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.errors import InvalidValue
from domain.kernel.intervals import Period
from domain.market.places.tables import EnergySource
from domain.market.statements.billing import month_in

MONTHS_BACK = 60
RENEWABLE = tuple(source.value for source in EnergySource if source is not EnergySource.STORAGE)


class LeaderboardKind(StrEnum):
    """What members are ranked by."""

    SELF_SUFFICIENCY = "SELF_SUFFICIENCY"
    RENEWABLE_SHARE = "RENEWABLE_SHARE"
    AVOIDED_CARBON = "AVOIDED_CARBON"
    TRADED_ENERGY = "TRADED_ENERGY"
    RELIABILITY = "RELIABILITY"
    PARTICIPATION = "PARTICIPATION"


class FigureUnit(StrEnum):
    """What a figure is counted in."""

    SHARE = "SHARE"
    KWH = "KWH"
    KG = "KG"
    DAYS = "DAYS"
    EUR = "EUR"


UNITS: Mapping[LeaderboardKind, FigureUnit] = MappingProxyType(
    {
        LeaderboardKind.SELF_SUFFICIENCY: FigureUnit.SHARE,
        LeaderboardKind.RENEWABLE_SHARE: FigureUnit.SHARE,
        LeaderboardKind.AVOIDED_CARBON: FigureUnit.KG,
        LeaderboardKind.TRADED_ENERGY: FigureUnit.KWH,
        LeaderboardKind.RELIABILITY: FigureUnit.SHARE,
        LeaderboardKind.PARTICIPATION: FigureUnit.DAYS,
    }
)


def month_of(first: date, timezone: str, today: date) -> Period:
    """A local month. Raises InvalidValue for a day that is not the first, the future, and long ago."""
    if first.day != 1:
        raise InvalidValue(("month",), "Give the first day of the month.")
    if first > today:
        raise InvalidValue(("month",), "The month has not begun.")
    if (today.year - first.year) * 12 + today.month - first.month > MONTHS_BACK:
        raise InvalidValue(("month",), f"The month is more than {MONTHS_BACK} months ago.")
    return month_in(first, timezone)


def given(month: Period, timezone: str, mg_per_kwh: int) -> dict[str, Any]:
    """What SOURCES ask for."""
    zone = ZoneInfo(timezone)
    starts: datetime = month.start.astimezone(zone)
    return {
        "month_start": month.start,
        "month_end": month.end,
        "first_day": starts.date(),
        "end_day": month.end.astimezone(zone).date(),
        "runs_from": month.start - timedelta(days=1),  # Local days of points elsewhere begin and end at other times.
        "runs_to": month.end + timedelta(days=1),
        "zone": timezone,
        "mg_per_kwh": mg_per_kwh,
        "renewable": list(RENEWABLE),
    }


# Each reads the persons of a query `person`; what a statement does not refer to is not carried out.
SOURCES = """
    settled AS (
        SELECT person.user_id, own.is_purchase, own.source, own.energy_ukwh, latest.delivered_ukwh,
               own.energy_ukwh
               - CASE WHEN own.is_purchase THEN latest.buyer_short_ukwh ELSE latest.seller_short_ukwh END AS kept_ukwh,
               CAST(own.delivery_start AT TIME ZONE CAST(:zone AS text) AS date) AS day
        FROM person
        CROSS JOIN LATERAL (
            SELECT id, true AS is_purchase, source, energy_ukwh, delivery_start FROM trade
            WHERE buyer_id = person.user_id AND delivery_start >= CAST(:month_start AS timestamptz)
              AND delivery_start < CAST(:month_end AS timestamptz)
            UNION ALL
            SELECT id, false, source, energy_ukwh, delivery_start FROM trade
            WHERE seller_id = person.user_id AND delivery_start >= CAST(:month_start AS timestamptz)
              AND delivery_start < CAST(:month_end AS timestamptz)) AS own
        CROSS JOIN LATERAL (
            SELECT delivered_ukwh, seller_short_ukwh, buyer_short_ukwh FROM trade_delivery
            WHERE trade_id = own.id ORDER BY version DESC LIMIT 1) AS latest),
    traded AS (
        SELECT user_id, sum(energy_ukwh) AS energy_ukwh, sum(kept_ukwh) AS kept_ukwh,
               sum(delivered_ukwh) AS delivered_ukwh,
               coalesce(sum(delivered_ukwh) FILTER (WHERE is_purchase), 0) AS received_ukwh,
               coalesce(sum(delivered_ukwh) FILTER (
                   WHERE is_purchase AND source = ANY(CAST(:renewable AS text[]))), 0) AS renewable_ukwh
        FROM settled GROUP BY user_id),
    part AS (
        SELECT DISTINCT person.user_id, member.id AS member_id, participation.community_id,
               participation.metering_point_id
        FROM person
        JOIN member ON member.user_id = person.user_id
        JOIN participation ON participation.member_id = member.id
        WHERE participation.valid_from < CAST(:end_day AS date)
          AND (participation.valid_to IS NULL OR participation.valid_to > CAST(:first_day AS date))),
    run AS (
        SELECT DISTINCT ON (run.community_id, run.period_start, run.period_end) run.community_id, run.id
        FROM (SELECT DISTINCT community_id FROM part) AS shared_in
        JOIN allocation_run AS run ON run.community_id = shared_in.community_id
        WHERE run.period_start < CAST(:runs_to AS timestamptz) AND run.period_end > CAST(:runs_from AS timestamptz)
        ORDER BY run.community_id, run.period_start, run.period_end, run.version DESC),
    shared_day AS (
        SELECT part.user_id, newest.direction, newest.day,
               (SELECT sum(value) FROM unnest(newest.shared_ukwh) AS value) AS shared_ukwh
        FROM (SELECT DISTINCT ON (run.community_id, of_run.metering_point_id, of_run.direction, of_run.day)
                     run.community_id, of_run.*
              FROM (SELECT DISTINCT community_id, metering_point_id FROM part) AS brought
              JOIN run ON run.community_id = brought.community_id
              JOIN allocation_day AS of_run ON of_run.run_id = run.id
               AND of_run.metering_point_id = brought.metering_point_id
               AND of_run.day >= CAST(:first_day AS date) AND of_run.day < CAST(:end_day AS date)
              ORDER BY run.community_id, of_run.metering_point_id, of_run.direction, of_run.day, run.id DESC) AS newest
        JOIN part ON part.member_id = newest.member_id AND part.community_id = newest.community_id
         AND part.metering_point_id = newest.metering_point_id),
    shared AS (
        SELECT user_id, sum(shared_ukwh) FILTER (WHERE direction = 'WITHDRAWN') AS shared_in_ukwh
        FROM shared_day GROUP BY user_id),
    withdrawn AS (
        SELECT person.user_id, sum(CAST(reading.total_ukwh AS numeric) * participation.factor_ppm) AS energy_pkwh
        FROM person
        JOIN member ON member.user_id = person.user_id
        JOIN participation ON participation.member_id = member.id
        JOIN reading ON reading.metering_point_id = participation.metering_point_id
         AND reading.direction = 'WITHDRAWN' AND reading.superseded_at IS NULL
         AND reading.day >= CAST(:first_day AS date) AND reading.day < CAST(:end_day AS date)
         AND reading.day >= participation.valid_from
         AND (participation.valid_to IS NULL OR reading.day < participation.valid_to)
        GROUP BY person.user_id)"""

# Who has a figure, and its value in micro-units.
VALUES: Mapping[LeaderboardKind, str] = MappingProxyType(
    {
        LeaderboardKind.SELF_SUFFICIENCY: """
            SELECT user_id, div(least(1000000 * (coalesce(shared_in_ukwh, 0) + coalesce(received_ukwh, 0)), energy_pkwh)
                                * 1000000, energy_pkwh) AS value
            FROM withdrawn
            LEFT JOIN shared USING (user_id)
            LEFT JOIN (SELECT user_id, received_ukwh FROM traded) AS bought USING (user_id)
            WHERE energy_pkwh > 0""",
        LeaderboardKind.RENEWABLE_SHARE: """
            SELECT user_id, div(renewable_ukwh * 1000000, received_ukwh) AS value
            FROM traded WHERE received_ukwh > 0""",
        LeaderboardKind.AVOIDED_CARBON: """
            SELECT user_id, div(renewable_ukwh * CAST(:mg_per_kwh AS bigint), 1000000) AS value
            FROM traded WHERE received_ukwh > 0""",
        LeaderboardKind.TRADED_ENERGY: """
            SELECT user_id, delivered_ukwh AS value FROM traded WHERE delivered_ukwh > 0""",
        LeaderboardKind.RELIABILITY: """
            SELECT user_id, div(kept_ukwh * 1000000, energy_ukwh) AS value FROM traded""",
        LeaderboardKind.PARTICIPATION: """
            SELECT user_id, count(DISTINCT day) * 1000000 AS value
            FROM (SELECT user_id, day FROM settled WHERE delivered_ukwh > 0
                  UNION ALL SELECT user_id, day FROM shared_day WHERE shared_ukwh > 0) AS active
            GROUP BY user_id""",
    }
)
