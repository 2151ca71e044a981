"""The example tabs of GraphiQL are documents of this schema."""

import pytest
from graphql import OperationDefinitionNode, parse, validate

from api.graphql.schema import make_schema
from api.processes.examples import EXAMPLES, OPERATIONS
from api.transport.http.graphiql import Example

SCHEMA = make_schema()._schema


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_is_valid(example: Example) -> None:
    assert validate(SCHEMA, parse(example.query)) == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_an_example_runs_as_it_is(example: Example) -> None:
    """What it has to be told is told, or is an id that its query finds."""
    document = parse(example.query)
    (operation,) = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    wanted = {each.variable.name.value for each in operation.variable_definitions or () if each.default_value is None}

    assert {*(example.variables or {}), *example.found} == wanted
    assert [validate(SCHEMA, parse(query)) for query in example.found.values()] == [[] for _ in example.found]


def test_metrics_know_the_operations_of_the_examples() -> None:
    assert {"WhoAmI", "LivePrices"} <= OPERATIONS
    assert len(OPERATIONS) == len(EXAMPLES)
