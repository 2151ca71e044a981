"""Arguments of queries that no rule lets pass."""

from uuid import UUID

from api.engine.connections import encode_cursor
from tests.api.hostile.rows import NOBODYS, Row, asked, of, period

NOBODY = UUID(NOBODYS)

LIST = """
query Q($first: Int, $after: String, $last: Int, $order: CommunityOrder, $filter: CommunityFilter) {
communities(first: $first, after: $after, last: $last, orderBy: $order, filter: $filter) {
totalCount edges {
node { id } } } }
"""
NODE = "query N($id: ID!) { node(id: $id) { id } }"
AREAS = "query A($filter: SubstationAreaFilter) { substationAreas(filter: $filter) { totalCount } }"
READINGS = """
query R($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on MeteringPoint {
readings(period: $period, direction: WITHDRAWN, resolution: $resolution) { missing } } } }
"""
BALANCE = """
query B($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on Community {
balance(period: $period, resolution: $resolution) { missing } } } }
"""
SERIES = """
query S($id: ID!, $member: ID!, $period: PeriodInput) {
node(id: $id) {
... on AllocationRun {
series(memberId: $member, period: $period) { start } } } }
"""
PRICES = """
query P($id: ID!, $period: PeriodInput!, $resolution: Resolution!) {
node(id: $id) {
... on Market {
prices(period: $period, resolution: $resolution) { start } } } }
"""
BOOK = """
query O($id: ID!, $at: DateTime!, $depth: Int!) {
node(id: $id) {
... on Market {
orderBook(deliveryStart: $at, depth: $depth) { deliveryStart } } } }
"""
KEY_AT = "query K($id: ID!, $at: DateTime) { node(id: $id) { ... on Community { sharingKey(at: $at) { id } } } }"
BOUNDARY = "query G($id: ID!, $m: Int) { node(id: $id) { ... on SubstationArea { boundary(simplifyMeters: $m) } } }"

JANUARY = period("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")
BACKWARDS = period("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z")
AGES = period("0002-01-01T00:00:00Z", "9998-12-31T00:00:00Z")
POINT, HOUR = ("MeteringPoint", "bob"), {"resolution": "HOUR"}

QUERIES = (
    Row(
        "a page of 101", asked(LIST, {"first": 101}), 200, "BAD_USER_INPUT", "first must be between 0 and 100. [first]"
    ),
    Row(
        "a page of minus one",
        asked(LIST, {"first": -1}),
        200,
        "BAD_USER_INPUT",
        "first must be between 0 and 100. [first]",
    ),
    Row(
        "first and last",
        asked(LIST, {"first": 1, "last": 1}),
        200,
        "BAD_USER_INPUT",
        "Give first or last, not both. [last]",
    ),
    Row(
        "a cursor that is no cursor",
        asked(LIST, {"first": 1, "after": "%%%"}),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "a cursor with characters beyond ASCII",
        asked(LIST, {"first": 1, "after": "\u00e9"}),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "an empty cursor",
        asked(LIST, {"first": 1, "after": ""}),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "a cursor of another order",
        asked(LIST, {"first": 1, "order": "NAME", "after": encode_cursor("FOUNDED", NOBODY)}),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another list or order. [after]",
    ),
    Row(
        "a forged cursor with NUL in the sort value",
        asked(LIST, {"first": 1, "order": "NAME", "after": encode_cursor("NAME", NOBODY, "\x00")}),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another list or order. [after]",
    ),
    Row(
        "a forged cursor without the sort value",
        asked(LIST, {"first": 1, "order": "NAME", "after": encode_cursor("NAME", NOBODY)}),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another list or order. [after]",
    ),
    Row(
        "a forged cursor with a sort value too many",
        asked(LIST, {"first": 1, "order": "FOUNDED", "after": encode_cursor("FOUNDED", NOBODY, "a")}),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another list or order. [after]",
    ),
    Row(
        "a forged cursor with an id without dashes",
        asked(LIST, {"first": 1, "after": f"FOUNDED:{NOBODY.hex}"}),
        200,
        "BAD_USER_INPUT",
        "The cursor belongs to another list or order. [after]",
    ),
    Row(
        "a cursor of 100,000 characters",
        asked(LIST, {"first": 1, "after": "W" * 100_000}),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this list. [after]",
    ),
    Row(
        "NUL in a filter",
        asked(LIST, {"filter": {"name": "a\x00b"}}),
        200,
        "BAD_USER_INPUT",
        "name has at most 200 printable characters. [name]",
    ),
    Row(
        "a filter of 201 characters",
        asked(LIST, {"filter": {"name": "%" * 201}}),
        200,
        "BAD_USER_INPUT",
        "name has at most 200 printable characters. [name]",
    ),
    Row(
        "the id of another kind in a filter",
        asked(LIST, lambda id_of: {"filter": {"substationAreaId": id_of("Community", "A")}}),
        200,
        "BAD_USER_INPUT",
        "substationAreaId is not the id of a SubstationArea. [substationAreaId]",
    ),
    Row(
        "an empty id in a filter",
        asked(LIST, {"filter": {"substationAreaId": ""}}),
        200,
        "BAD_USER_INPUT",
        "substationAreaId is not the id of a SubstationArea. [substationAreaId]",
    ),
    Row(
        "an enum value that is not there",
        asked(LIST, {"filter": {"kind": "PLANET"}}),
        400,
        "BAD_USER_INPUT",
        "Variable '$filter' has invalid value at .kind: Value 'PLANET' does not exist in 'CommunityKind' enum.",
    ),
    Row(
        "an id that is none",
        asked(NODE, {"id": "1 OR 1=1"}),
        200,
        "BAD_USER_INPUT",
        "This is not an id of this API. [id]",
    ),
    Row(
        "an id with NUL",
        asked(NODE, {"id": f"Community:{NOBODYS[:-1]}\x00"}),
        200,
        "BAD_USER_INPUT",
        "This is not an id of this API. [id]",
    ),
    Row(
        "an id in Arabic digits",
        asked(NODE, {"id": "Community:" + NOBODYS.replace("0", "\u0660")}),
        200,
        "BAD_USER_INPUT",
        "This is not an id of this API. [id]",
    ),
    Row(
        "101 ids",
        asked("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", {"ids": [f"Community:{NOBODYS}"] * 101}),
        200,
        "BAD_USER_INPUT",
        "At most 100 ids at a time. [ids]",
    ),
    Row(
        "a box outside the world",
        asked(AREAS, {"filter": {"bbox": {"minLon": -500, "minLat": 0, "maxLon": 500, "maxLat": 1}}}),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a box from east to west",
        asked(AREAS, {"filter": {"bbox": {"minLon": 10, "minLat": 0, "maxLon": 9, "maxLat": 1}}}),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a number beyond float in a box",
        asked("{ substationAreas(filter: {bbox: {minLon: 1e999, minLat: 0, maxLon: 9, maxLat: 1}}) { totalCount } }"),
        200,
        "BAD_USER_INPUT",
        "The box needs minLon <= maxLon within -180..180 and minLat <= maxLat within -90..90. [bbox]",
    ),
    Row(
        "a point with text for numbers",
        asked(AREAS, {"filter": {"point": {"type": "Point", "coordinates": ["9", "45"]}}}),
        200,
        "BAD_USER_INPUT",
        "The geometry is invalid: a coordinate must be a number, not text. [point]",
    ),
    Row(
        "latitude before longitude",
        asked(AREAS, {"filter": {"point": {"type": "Point", "coordinates": [45, 109]}}}),
        200,
        "BAD_USER_INPUT",
        "The geometry is invalid: longitude must lie in -180..180 and latitude in -90..90. [point]",
    ),
    Row(
        "a line for a point",
        asked(AREAS, {"filter": {"point": {"type": "LineString", "coordinates": [[9, 45], [10, 46]]}}}),
        400,
        "BAD_USER_INPUT",
        "A GeoJSONPoint is a GeoJSON object whose type is Point.",
    ),
    Row(
        "a boundary simplified by minus one",
        asked(BOUNDARY, of("SubstationArea", "area", m=-1)),
        200,
        "BAD_USER_INPUT",
        "simplifyMeters must be between 0 and 100000. [simplifyMeters]",
    ),
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
        "A DateTime needs an offset, such as Z or +01:00.",
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
    Row(
        "a balance of three years by the quarter-hour",
        asked(
            BALANCE,
            of(
                "Community",
                "A",
                period=period("2023-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
                resolution="QUARTER_HOUR",
            ),
        ),
        200,
        "BAD_USER_INPUT",
        "105216 intervals are more than 10000; ask for a coarser resolution. [period]",
    ),
    Row(
        "a balance of ten thousand years by the day",
        asked(BALANCE, of("Community", "A", period=AGES, resolution="DAY")),
        200,
        "BAD_USER_INPUT",
        "The period is longer than 3660 days. [period]",
    ),
    Row(
        "a key at the end of time",
        asked(KEY_AT, of("Community", "A", at="9999-12-31T23:59:59-23:59")),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "the series of somebody who is not in the run",
        asked(SERIES, lambda id_of: {"id": id_of("AllocationRun", "six of A"), "member": id_of("Member", "gus")}),
        200,
        "BAD_USER_INPUT",
        "There is no such member in this run. [memberId]",
    ),
    Row(
        "the series of a community for a member",
        asked(SERIES, lambda id_of: {"id": id_of("AllocationRun", "six of A"), "member": id_of("Community", "A")}),
        200,
        "BAD_USER_INPUT",
        "memberId is not the id of a Member. [memberId]",
    ),
    Row(
        "a series outside the run's period",
        asked(
            SERIES,
            lambda id_of: {
                "id": id_of("AllocationRun", "six of A"),
                "member": id_of("Member", "bob"),
                "period": JANUARY,
            },
        ),
        200,
        "BAD_USER_INPUT",
        "The period must lie in the run's and start and end on its intervals. [period]",
    ),
    Row(
        "prices by the month",
        asked(PRICES, of("Market", "north", period=JANUARY, resolution="MONTH")),
        200,
        "BAD_USER_INPUT",
        "Prices of this market come in intervals of 15 to 60 minutes. [resolution]",
    ),
    Row(
        "prices of ten thousand years",
        asked(PRICES, of("Market", "north", period=AGES, **HOUR)),
        200,
        "BAD_USER_INPUT",
        "At most 10000 intervals at a time. [period]",
    ),
    Row(
        "a book of depth 101",
        asked(BOOK, of("Market", "north", at="2026-01-01T00:00:00Z", depth=101)),
        200,
        "BAD_USER_INPUT",
        "depth must be between 1 and 100. [depth]",
    ),
)
