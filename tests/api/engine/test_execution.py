"""Packed columns pass the executor at once, and only where completing them one by one would give the same."""

import math
from typing import Any

import pytest
from graphql import GraphQLFloat, GraphQLInt, GraphQLList, GraphQLNonNull, GraphQLOutputType

from api.engine.execution import is_column

NUMBERS: GraphQLOutputType = GraphQLNonNull(GraphQLList(GraphQLNonNull(GraphQLFloat)))
PERHAPS: GraphQLOutputType = GraphQLList(GraphQLFloat)
LOOKED_AT: dict[str, tuple[Any, list[Any]]] = {
    "a null where none may be": (NUMBERS, [1.0, None]),
    "what is no number": (PERHAPS, [1.0, math.nan]),
    "two infinities": (NUMBERS, [math.inf, -math.inf]),
    "texts": (NUMBERS, ["1"]),
    "whole numbers": (NUMBERS, [1]),
    "truths": (NUMBERS, [True]),
    "a list of another kind": (GraphQLList(GraphQLInt), [1.0]),
    "no list": (GraphQLFloat, [1.0]),
}


def test_columns_of_finite_numbers_pass() -> None:
    assert is_column(NUMBERS, [1.0, -0.5, 0.0])
    assert is_column(NUMBERS, [])
    assert is_column(PERHAPS, [1.0, None])


@pytest.mark.parametrize("what", LOOKED_AT)
def test_everything_else_is_completed_by_graphql(what: str) -> None:
    assert not is_column(*LOOKED_AT[what])
