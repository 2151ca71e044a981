"""Keyset pages: complete, in order, without duplicates, and with as many statements for fifty objects as for one."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import event

from api.engine.connections import decode_cursor, encode_cursor
from api.graphql.context import Context
from api.graphql.schema import make_schema
from api.resources.database import Database, connect
from api.resources.events import Hub
from api.transport.terms.errors import BadUserInput
from domain.identity.viewers import ANONYMOUS
from tests.factories.geography import a_market_zone, a_square, a_substation_area

AREAS = 53
KEY = UUID("01890000-0000-7000-8000-000000000000")


SCHEMA = make_schema()


@dataclass
class Asked:
    """Executes documents and counts the statements they take."""

    database: Database
    statements: int = 0

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        self.statements = 0
        context = Context(self.database, Hub(self.database, Redis()), ANONYMOUS)
        result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
        assert result.errors is None, result.errors
        assert result.data is not None
        return result.data

    async def refused(self, document: str, **variables: Any) -> dict[str, Any]:
        context = Context(self.database, Hub(self.database, Redis()), ANONYMOUS)
        result = await SCHEMA.execute(document, variable_values=variables, context_value=context)
        assert result.errors is not None
        return result.errors[0].extensions or {}


@pytest.fixture
async def asked(fresh_database: str) -> AsyncIterator[Asked]:
    database = connect(fresh_database, role="commonwatt_app", pool=2)
    async with database.transaction() as session:
        zone = await a_market_zone(session)
        for number in range(AREAS):
            square = a_square(8 + number / 10, 45, 0.05)
            await a_substation_area(session, f"AC001E{number:05}", square, market_zone_id=zone.id)
    counted = Asked(database)

    def count(*_: Any) -> None:
        counted.statements += 1

    event.listen(database.engine.sync_engine, "before_cursor_execute", count)
    yield counted
    await database.close()


PAGE = """
query Page($first: Int, $after: String, $last: Int, $before: String) {
  substationAreas(first: $first, after: $after, last: $last, before: $before) {
    totalCount
    edges { cursor node { id code marketZone { code } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


@pytest.mark.parametrize("size", [1, 10, 53, 100])
async def test_pages_forward_hold_everything_once_and_in_order(asked: Asked, size: int) -> None:
    codes: list[str] = []
    cursor, more = None, True
    while more:
        page = (await asked.ask(PAGE, first=size, after=cursor))["substationAreas"]
        codes += [edge["node"]["code"] for edge in page["edges"]]
        cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert page["totalCount"] == AREAS

    assert codes == [f"AC001E{number:05}" for number in range(AREAS)]


async def test_pages_backward_hold_everything_once_and_in_order(asked: Asked) -> None:
    codes: list[str] = []
    cursor, more = None, True
    while more:
        page = (await asked.ask(PAGE, last=10, before=cursor))["substationAreas"]
        codes = [edge["node"]["code"] for edge in page["edges"]] + codes
        cursor, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]

    assert codes == [f"AC001E{number:05}" for number in range(AREAS)]


async def test_an_empty_page_has_no_cursors(asked: Asked) -> None:
    page = (await asked.ask(PAGE, first=0))["substationAreas"]

    assert page["edges"] == []
    assert page["pageInfo"] == {"hasNextPage": True, "hasPreviousPage": False, "startCursor": None, "endCursor": None}


async def test_the_number_of_statements_does_not_grow_with_the_page(asked: Asked) -> None:
    await asked.ask(PAGE, first=1)
    for_one = asked.statements
    await asked.ask(PAGE, first=50)

    assert asked.statements == for_one == 3


async def test_nothing_is_counted_or_followed_that_is_not_selected(asked: Asked) -> None:
    await asked.ask("{ substationAreas(first: 50) { edges { node { code name } } } }")

    assert asked.statements == 1


@pytest.mark.parametrize(
    ("arguments", "argument"),
    [
        ({"first": 101}, "first"),
        ({"first": -1}, "first"),
        ({"last": 101}, "last"),
        ({"first": 1, "last": 1}, "last"),
        ({"first": 1, "after": "nonsense"}, "after"),
        ({"first": 1, "after": ""}, "after"),
        ({"first": 1, "before": "x"}, "before"),
        ({"last": 1, "after": "x"}, "after"),
        ({"first": 1, "after": encode_cursor("NAME", KEY, "a")}, "after"),
        ({"first": 1, "after": encode_cursor("ID", KEY, "a")}, "after"),
        ({"first": 1, "after": f"ID:{KEY.hex}"}, "after"),
        ({"first": 1, "after": "ID:"}, "after"),
    ],
)
async def test_wrong_page_arguments_are_refused_by_name(asked: Asked, arguments: dict[str, Any], argument: str) -> None:
    extensions = await asked.refused(PAGE, **arguments)

    assert (extensions["code"], extensions["argument"]) == ("BAD_USER_INPUT", argument)


@pytest.mark.parametrize("value", ["Zoë \N{HIGH VOLTAGE SIGN}", "", ":", 'a:"b"\\'])
def test_a_cursor_survives_the_round_trip(value: str) -> None:
    assert decode_cursor(encode_cursor("NAME", KEY, value), "NAME", "after") == (value, KEY)
    assert decode_cursor(encode_cursor("ID", KEY), "ID", "after") == (KEY,)
    with pytest.raises(BadUserInput):
        decode_cursor(encode_cursor("NAME", KEY, value), "OTHER", "after")


async def test_node_and_nodes_answer_in_order_and_with_null_for_what_is_not_there(asked: Asked) -> None:
    page = (await asked.ask(PAGE, first=2))["substationAreas"]["edges"]
    known = [edge["node"]["id"] for edge in page]
    unknown = "SubstationArea:01890000-0000-7000-8000-000000000000"
    wrong_type = known[0].replace("SubstationArea", "Municipality")
    not_ours = known[0].replace("SubstationArea", "Nothing")

    answer = await asked.ask(
        "query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }",
        ids=[known[1], unknown, known[0], wrong_type, not_ours],
    )

    assert [node and node["id"] for node in answer["nodes"]] == [known[1], None, known[0], None, None]
    assert answer["nodes"][0]["__typename"] == "SubstationArea"


@pytest.mark.parametrize("id", ["", "x", "SubstationArea:", "SubstationArea:not-a-uuid", "U3Vic3RhdGlvbkFyZWE6MQ=="])
async def test_a_malformed_id_is_refused(asked: Asked, id: str) -> None:
    assert (await asked.refused("query N($id: ID!) { node(id: $id) { id } }", id=id))["code"] == "BAD_USER_INPUT"
