"""Pages, cursors and ids that no query takes; communities stand for any list."""

from uuid import UUID

from api.engine.connections import encode_cursor
from tests.api.hostile.rows import NOBODYS, Row, asked

NOBODY = UUID(NOBODYS)
LIST = """
query Q($first: Int, $after: String, $last: Int, $order: CommunityOrder, $filter: CommunityFilter) {
communities(first: $first, after: $after, last: $last, orderBy: $order, filter: $filter) {
totalCount edges {
node { id } } } }
"""
NODE = "query N($id: ID!) { node(id: $id) { id } }"

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
)
