"""What each server is asked, and what makes answers equal."""

import json

from graphql import parse, validate

from api.graphql.schema import make_schema
from tests.bench.graphql.operations import NAIVE, OPERATIONS, OURS, POSTGRAPHILE, World, comparable

WORLD = World(["019728c9-c001-7681-8e97-d75e65fe1c14"], "019728c9-c001-7020-8b8d-320ca43d6846", "owner")


def test_our_documents_are_valid() -> None:
    schema = make_schema()._schema

    assert [validate(schema, parse(operation.documents[OURS])) for operation in OPERATIONS] == [[]] * len(OPERATIONS)


def test_every_request_carries_the_key_of_its_run() -> None:
    order = OPERATIONS[-1]

    (body,) = order.bodies(OURS, WORLD, "run1")

    assert json.loads(body)["variables"]["input"]["idempotencyKey"] == "run1-NNNNNNNN"
    assert all("NNNNNNNN" not in body for server in (NAIVE, POSTGRAPHILE) for body in order.bodies(server, WORLD, "r"))


def test_answers_are_equal_whatever_the_spelling() -> None:
    ours = {
        "node": {"id": "Trade:019728c9-c001-7681-8e97-d75e65fe1c14", "energyKwh": "0.049", "price": "-0.1"},
        "pageInfo": {"endCursor": "abc"},
        "deliveryStart": "2026-01-01T00:00:00Z",
    }
    theirs = {
        "node": {"id": "019728c9-c001-7681-8e97-d75e65fe1c14", "energyUkwh": "49000", "priceUeurPerKwh": "-100000"},
        "pageInfo": {"endCursor": "xyz"},
        "deliveryStart": "2026-01-01T01:00:00+01:00",
    }

    assert comparable(ours) == comparable(theirs)
    assert comparable(ours) != comparable(theirs | {"pageInfo": {"endCursor": None}})
