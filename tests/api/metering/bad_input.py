"""Metering points, readings and periods of them that may not be."""

from uuid import uuid4

from tests.api.hostile.rows import (
    AGES,
    BACKWARDS,
    JANUARY,
    Row,
    Section,
    asked,
    done,
    of,
    period,
    to_a,
)
from tests.api.metering import bad_readings
from tests.api.metering.bad_files import FILES
from tests.api.metering.meter_files import a_day, csv, uploaded

READINGS = """
query R($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on MeteringPoint {
readings(period: $period, direction: WITHDRAWN, resolution: $resolution) { missing } } } }
"""
POINT, HOUR = ("MeteringPoint", "bob"), {"resolution": "HOUR"}
BOBS_MEMBERSHIP = {"membershipId": lambda id_of: id_of("Membership", "bob in A")}
A_POINT = {"code": "NEW-1", "codeKind": "GENERIC", "directions": ["WITHDRAWN"], **BOBS_MEMBERSHIP}

PERIODS = (
    Row(
        "a period that ends before it starts",
        asked(READINGS, of(*POINT, period=BACKWARDS, **HOUR)),
        200,
        "BAD_USER_INPUT",
        "The period must end after it starts. [period]",
    ),
    Row(
        "a period without offset",
        asked(READINGS, of(*POINT, period=period("2026-01-01T00:00:00", "2026-02-01T00:00:00Z"), **HOUR)),
        400,
        "BAD_USER_INPUT",
        'A DateTime is RFC 3339 text such as "2026-01-31T12:00:00Z", with an offset.',
    ),
    Row(
        "a day that is not there",
        asked(READINGS, of(*POINT, period=period("2026-02-30T00:00:00Z", "2026-03-01T00:00:00Z"), **HOUR)),
        400,
        "BAD_USER_INPUT",
        'A DateTime is RFC 3339 text such as "',
    ),
    Row(
        "an instant before the year 1 in UTC",
        asked(READINGS, of(*POINT, period=period("0001-01-01T00:00:00+12:00", "2026-01-01T00:00:00Z"), **HOUR)),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "an instant after the year 9999 in UTC",
        asked(READINGS, of(*POINT, period=period("2026-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"), **HOUR)),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "a number for an instant",
        asked(READINGS, of(*POINT, period={"start": 1767225600, "end": "2026-01-01T00:00:00Z"}, **HOUR)),
        400,
        "BAD_USER_INPUT",
        'A DateTime is RFC 3339 text such as "',
    ),
    Row(
        "readings of ten thousand years by the hour",
        asked(READINGS, of(*POINT, period=AGES, **HOUR)),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 3660 days. [period]",
    ),
    Row(
        "readings of ten thousand years by the month",
        asked(READINGS, of(*POINT, period=AGES, resolution="MONTH")),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 3660 days. [period]",
    ),
    Row(
        "readings in the year 1 by the day",
        asked(READINGS, of(*POINT, period=period("0001-01-01T00:00:00Z", "0001-01-03T00:00:00Z"), resolution="DAY")),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "readings in the last hour of the year 9999",
        asked(READINGS, of(*POINT, period=period("9999-12-31T22:00:00Z", "9999-12-31T23:30:00Z"), **HOUR)),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "readings from a quarter past by the hour",
        asked(READINGS, of(*POINT, period=period("2026-01-01T00:15:00Z", "2026-01-02T00:00:00Z"), **HOUR)),
        200,
        "BAD_USER_INPUT",
        "The period does not start and end on intervals of PT1H. [period]",
    ),
    Row(
        "days that do not begin at local midnight",
        asked(READINGS, of(*POINT, period=JANUARY, resolution="DAY")),
        200,
        "BAD_USER_INPUT",
        "The period is not made of whole local days of Europe/Luxembourg. [period]",
    ),
    Row(
        "readings finer than they are",
        asked(READINGS, of(*POINT, period=JANUARY, resolution="SECOND")),
        400,
        "BAD_USER_INPUT",
        "Variable '$resolution' has invalid value: Value 'SECOND' does not exist in 'Resolution' enum.",
    ),
)

HELD = (
    Row(
        "a connection of no power",
        done("setConnectionPower", lambda id: {"meteringPointId": id(*POINT), "connectionPowerKw": "0"}),
        200,
        "INVALID_INPUT",
        "The connection power lies between 0.001 kW and 10 GW. [connectionPowerKw]",
    ),
    Row(
        "a connection of a milliwatt",
        done("setConnectionPower", lambda id: {"meteringPointId": id(*POINT), "connectionPowerKw": "0.000001"}),
        200,
        "INVALID_INPUT",
        "The power is a whole number of watts. [connectionPowerKw]",
    ),
    Row(
        "the connection of a point that is none",
        done("setConnectionPower", lambda id: {"meteringPointId": id("Community", "A"), "connectionPowerKw": "6"}),
        200,
        "BAD_USER_INPUT",
        "meteringPointId is not the id of a MeteringPoint. [meteringPointId]",
    ),
    Row(
        "held readings that are not there",
        done("decideHeldReadings", lambda id: {"id": f"HeldReadings:{uuid4()}", "decision": "RELEASED"}),
        200,
        "NOT_FOUND",
        "There is no held readings",
    ),
    Row(
        "held readings and no decision",
        done("decideHeldReadings", lambda id: {"id": id("HeldReadings", "bob"), "decision": "LATER"}),
        400,
        "BAD_USER_INPUT",
        "Value 'LATER' does not exist in 'HoldDecision' enum.",
    ),
)

POINTS = (
    Row(
        "a code of blanks",
        to_a("registerMeteringPoint", **A_POINT | {"code": "   "}),
        200,
        "INVALID_INPUT",
        "A code has 3 to 40 letters, digits, dots, dashes and underscores. [code]",
    ),
    Row(
        "a code with NUL",
        to_a("registerMeteringPoint", **A_POINT | {"code": "A\x00B"}),
        200,
        "INVALID_INPUT",
        "A code has 3 to 40 letters, digits, dots, dashes and underscores. [code]",
    ),
    Row(
        "an Italian code of the wrong form",
        to_a("registerMeteringPoint", **A_POINT | {"code": "IT001X12345678", "codeKind": "IT_POD"}),
        200,
        "INVALID_INPUT",
        "This is not a code of kind IT_POD, such as IT001E12345678. [code]",
    ),
    Row(
        "a code in full-width digits",
        to_a("registerMeteringPoint", **A_POINT | {"code": "IT\uff10\uff10\uff11E12345678", "codeKind": "IT_POD"}),
        200,
        "INVALID_INPUT",
        "This is not a code of kind IT_POD, such as IT001E12345678. [code]",
    ),
    Row(
        "a point without directions",
        to_a("registerMeteringPoint", **A_POINT | {"directions": []}),
        200,
        "INVALID_INPUT",
        "A metering point measures at least one direction. [directions]",
    ),
    Row(
        "a point twice",
        to_a("registerMeteringPoint", **A_POINT | {"code": "POINT-bob"}),
        200,
        "OVERLAP",
        "There is already a participation of this metering point from 2025-01-01 without end. [code]",
    ),
    Row(
        "a factor of nothing",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "0"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "a factor above one",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "1.000001"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "a negative factor",
        to_a("registerMeteringPoint", **A_POINT | {"participationFactor": "-0.5"}),
        200,
        "INVALID_INPUT",
        "A participation factor lies between 0.000001 and 1. [participationFactor]",
    ),
    Row(
        "the whole of a point that is half taken",
        to_a("registerMeteringPoint", **A_POINT | {"code": "POINT-gus"}),
        200,
        "SHARE_EXCEEDED",
        "Of this metering point only 0 is left to share. [participationFactor]",
    ),
    Row(
        "a membership of another community",
        to_a("registerMeteringPoint", **A_POINT | {"membershipId": lambda id_of: id_of("Membership", "gus in B")}),
        200,
        "NOT_FOUND",
        "There is no membership",
    ),
    Row(
        "a point before its membership",
        to_a("registerMeteringPoint", **A_POINT | {"validFrom": "0001-01-01"}),
        400,
        "BAD_USER_INPUT",
        "The Date is out of range: its year is 2 to 9998.",
    ),
)

ELSEWHERE = (
    Row(
        "readings of days on which a point took part elsewhere",
        uploaded(csv(a_day("2024-01-15"))),
        422,
        "",
        "On 2024-01-15 the metering point POINT-bob took part in no community of yours.",
    ),
)

SECTIONS = (
    Section("Queries", PERIODS, place=22),
    Section("Members and metering points", POINTS, place=51),
    Section("Held readings", HELD, place=52),
    Section("Posted readings", bad_readings.READINGS, place=190),
    Section("Meter files", FILES, place=200),
    Section("Meter files", ELSEWHERE, place=202),
)
