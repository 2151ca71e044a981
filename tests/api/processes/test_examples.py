"""The example tabs of GraphiQL are documents of this schema."""

import pytest
from graphql import parse, validate

from api.graphql.schema import make_schema
from api.processes.examples import EXAMPLES, OPERATIONS
from api.transport.http.graphiql import Example

SCHEMA = make_schema()._schema


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_valid(example: Example) -> None:
    assert validate(SCHEMA, parse(example.query)) == []


def test_metrics_know_the_operations_of_the_examples() -> None:
    assert {"WhoAmI", "LivePrices"} <= OPERATIONS
    assert len(OPERATIONS) == len(EXAMPLES)
