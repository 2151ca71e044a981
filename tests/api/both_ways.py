"""Run a document as the ordinary path does and as its plan does, and insist that a client could not tell them apart."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError, OperationDefinitionNode, OperationType, get_operation_ast, parse
from strawberry.types import ExecutionResult

from api.engine.plans import Operation, Plans
from api.graphql.context import Context
from tests.api.engine.answers import answer_of, differences

PLANNED_MAX = 1_000  # Documents whose plans are kept.


async def execute(
    schema: strawberry.Schema, make_context: Callable[[], Context], document: str, variables: Mapping[str, Any]
) -> ExecutionResult:
    """What the ordinary path answers; queries without errors were answered by their plans, too."""
    ordinary = await schema.execute(document, variable_values=dict(variables), context_value=make_context())
    assert isinstance(ordinary, ExecutionResult)
    if _query_of(document) is not None and not ordinary.errors:
        by_plan = await _by_plan(schema, make_context, document, variables)
        found = differences(answer_of(ordinary.data, ordinary.errors), answer_of(by_plan.data, by_plan.errors))
        assert not found, f"{document}\n{variables}\n{found}"
    return ordinary


async def _by_plan(
    schema: strawberry.Schema,
    make_context: Callable[[], Context],
    document: str,
    variables: Mapping[str, Any],
) -> ExecutionResult:
    context = make_context()
    prepared = _plans_of(schema).prepared(_operation_of(schema, document), variables)
    assert prepared is not None
    data = await prepared.answer(context.database, context.viewer)
    if data is not None:
        return ExecutionResult(data=orjson.Fragment(data), errors=None)  # type: ignore[arg-type]
    context.prepared = prepared
    result = await schema.execute(document, variable_values=dict(variables), context_value=context)
    assert isinstance(result, ExecutionResult)
    return result


@cache
def _plans_of(schema: strawberry.Schema) -> Plans:
    """One for each schema, as a process that serves it has."""
    return Plans(schema)


@lru_cache(PLANNED_MAX)
def _operation_of(schema: strawberry.Schema, document: str) -> Operation:
    """Kept with its plans, as the API keeps them for whoever asks next."""
    operation = _query_of(document)
    assert operation is not None
    return _plans_of(schema).operation(parse(document), operation)


@lru_cache(PLANNED_MAX)
def _query_of(document: str) -> OperationDefinitionNode | None:
    """The only operation of a document, where that is a query."""
    try:
        operation = get_operation_ast(parse(document))
    except GraphQLError:
        return None
    return operation if operation is not None and operation.operation is OperationType.QUERY else None
