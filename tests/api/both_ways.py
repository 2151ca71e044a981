"""Run a document as the ordinary path does and as its plan does, and insist that a client could not tell them apart."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import strawberry
from graphql import GraphQLError, OperationDefinitionNode, OperationType, get_operation_ast, parse
from strawberry.types import ExecutionResult

from api.engine.plans import Plans
from api.graphql.context import Context
from tests.api.engine.answers import answer_of, differences


async def execute(
    schema: strawberry.Schema, make_context: Callable[[], Context], document: str, variables: Mapping[str, Any]
) -> ExecutionResult:
    """What the ordinary path answers; queries without errors were answered by their plans, too."""
    ordinary = await schema.execute(document, variable_values=dict(variables), context_value=make_context())
    assert isinstance(ordinary, ExecutionResult)
    operation = _query_of(document)
    if operation is not None and not ordinary.errors:
        by_plan = await _by_plan(schema, make_context, document, operation, variables)
        found = differences(answer_of(ordinary.data, ordinary.errors), answer_of(by_plan.data, by_plan.errors))
        assert not found, f"{document}\n{variables}\n{found}"
    return ordinary


async def _by_plan(
    schema: strawberry.Schema,
    make_context: Callable[[], Context],
    document: str,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> ExecutionResult:
    plans = Plans(schema)
    context = make_context()
    prepared = plans.prepared(plans.operation(parse(document), operation), variables)
    assert prepared is not None
    data = await prepared.answer(context.database, context.viewer)
    if data is not None:
        return ExecutionResult(data=orjson.Fragment(data), errors=None)  # type: ignore[arg-type]
    context.prepared = prepared
    result = await schema.execute(document, variable_values=dict(variables), context_value=context)
    assert isinstance(result, ExecutionResult)
    return result


def _query_of(document: str) -> OperationDefinitionNode | None:
    """The only operation of a document, where that is a query."""
    try:
        operation = get_operation_ast(parse(document))
    except GraphQLError:
        return None
    return operation if operation is not None and operation.operation is OperationType.QUERY else None
