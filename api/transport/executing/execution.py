"""Runs operations on the schema and codes their errors: the one place results pass on their way out."""

import copy
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from graphql import GraphQLError
from starlette.requests import HTTPConnection
from strawberry import Schema
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from api.transport.documents.documents import DocumentChecks, Documents
from api.transport.documents.lifecycle import Lifecycle, Refresh
from api.transport.documents.plans import CompiledReads
from api.transport.documents.requests import GraphQLRequest
from api.transport.documents.responses import ran
from api.transport.executing.shares import Shares, Sharing
from api.transport.limits.budgets import Budgets
from api.transport.limits.live import Live
from api.transport.observing import telemetry
from api.transport.observing.observations import Observations
from api.transport.terms import errors, identity, logs, operations
from api.transport.terms.errors import BadUserInput, MethodNotAllowed
from api.transport.terms.identity import Authenticate, MakeContext, Viewer
from api.transport.terms.operations import Operation, Transport
from api.transport.terms.settings import TransportSettings
from api.transport.terms.stopping import Stopping
from api.transport.terms.writing import Writing


class Execution:
    """The schema with the transport's checks around it."""

    def __init__(
        self,
        schema: Schema,
        settings: TransportSettings,
        authenticate: Authenticate,
        make_context: MakeContext,
        refresh: Refresh,
        budgets: Budgets,
        documents: Documents,
        known_exceptions: errors.Knowledge,
        live: Live,
        observations: Observations,
        sharing: Sharing,
        reads: CompiledReads | None = None,
        stopping: Stopping | None = None,
        writing: Writing | None = None,
    ) -> None:
        self.settings = settings
        self.authenticate = authenticate
        self.make_context = make_context
        self.budgets = budgets
        self.documents = documents
        self.known_exceptions = known_exceptions
        self.live = live
        self.observations = observations
        self.reads = reads
        self.stopping = stopping or Stopping()
        self.writing = writing = writing or Writing()
        self.shares = Shares(documents, sharing, self.shared)
        self.schema = _checked(
            schema,
            lambda: DocumentChecks(documents, budgets, live, reads, writing),
            lambda: Lifecycle(settings.operation_seconds_max, refresh),
        )

    async def operation(self, connection: HTTPConnection, token: str | None, transport: Transport) -> Operation:
        """Note who asks. Raises Unauthenticated for a token nobody has."""
        address = identity.address_of(connection)
        viewer = await self.authenticate(token, address)
        return self.operation_of(viewer, connection, transport)

    def operation_of(self, viewer: Viewer, connection: HTTPConnection, transport: Transport) -> Operation:
        cookies = connection.headers.get("cookie", "")
        return Operation(logs.request_id(), viewer, identity.address_of(connection), transport, cookies)

    async def execute(
        self, request: GraphQLRequest, operation: Operation, connection: HTTPConnection
    ) -> ExecutionResult:
        """The result of a query or mutation, every error coded. Raises CodedError for a request that names neither."""
        operations.begin(operation)
        with telemetry.span(operation), self.observations.observing(operation):
            try:
                result = await self.schema.execute(
                    request.query,
                    variable_values=request.variables,
                    context_value=self.make_context(connection, operation.viewer),
                    operation_name=request.operation_name,
                    allowed_operation_types=_allowed_types(request),
                )
            except MissingQueryError as error:
                raise errors.refused(error) from None
            except CannotGetOperationTypeError as error:
                raise BadUserInput(error.as_http_error_reason()) from None
            except InvalidOperationTypeError as error:
                raise _wrong_operation_type(error) from None
            finally:
                self._end_heavy(operation)
            return self._coded(result, operation)

    async def stream(
        self, request: GraphQLRequest, operation: Operation, connection: HTTPConnection
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of any operation, every error coded. A PreExecutionError comes first or not at all."""
        operations.begin(operation)
        with telemetry.span(operation), self.observations.observing(operation):
            try:
                source = await self.schema.stream(
                    request.query,
                    variable_values=request.variables,
                    context_value=self.make_context(connection, operation.viewer),
                    operation_name=request.operation_name,
                )
                async with aclosing(source):
                    async for result in source:
                        assert isinstance(result, ExecutionResult), "@defer and @stream are off"
                        yield self._coded(result, operation)
            except Exception as error:
                yield self._coded(self._failed(error, operation), operation)
            finally:
                self._end_heavy(operation)

    async def shared(
        self, request: GraphQLRequest, connection: HTTPConnection, viewer: Viewer
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of a subscription that several follow, every error coded. Each was let in and charged before."""
        try:
            source = await self.schema.stream(
                request.query,
                variable_values=request.variables,
                context_value=self.make_context(connection, viewer),
                operation_name=request.operation_name,
            )
            async with aclosing(source):
                async for result in source:
                    assert isinstance(result, ExecutionResult), "@defer and @stream are off"
                    result.errors = self._with_codes(result.errors)
                    yield result
        except Exception as error:
            yield ExecutionResult(data=None, errors=[errors.uncaught(error, self.known_exceptions)])

    def _end_heavy(self, operation: Operation) -> None:
        if operation.heavy_key is not None:
            self.live.give_heavy_back(operation.heavy_key)
            operation.heavy_key = None

    def _failed(self, error: Exception, operation: Operation) -> ExecutionResult:
        """What a stream ends with when something outside the fields fails."""
        kind = ExecutionResult if operation.results else PreExecutionError
        return kind(data=None, errors=[errors.uncaught(error, self.known_exceptions)])

    def _coded(self, result: ExecutionResult, operation: Operation) -> ExecutionResult:
        if result.errors:
            result.errors = self._with_codes(result.errors)
            operation.codes += [errors.code_of(error) for error in result.errors[:1]]
        operation.results += 1
        return result if operation.results > 1 or ran(result) else _refused(result)

    def _with_codes(self, found: list[GraphQLError] | None) -> list[GraphQLError]:
        return [errors.coded(error, self.known_exceptions) for error in found or ()]


def _refused(result: ExecutionResult) -> PreExecutionError:
    """A first result that holds errors of the request only, such as wrong variables or a subscription not allowed."""
    return PreExecutionError(data=None, errors=result.errors, extensions=result.extensions)


def _checked(schema: Schema, *extensions: Any) -> Schema:
    """The same schema with our extensions first, and without Strawberry's log of errors, which quotes documents."""
    checked = copy.copy(schema)
    checked.extensions = (*extensions, *schema.extensions)
    checked.process_errors = _log_nothing  # type: ignore[method-assign]
    return checked


def _log_nothing(errors: list[GraphQLError], execution_context: Any = None) -> None:
    """Errors are logged where they are masked."""


def _allowed_types(request: GraphQLRequest) -> set[OperationType]:
    return {OperationType.QUERY, OperationType.MUTATION} if request.may_change else {OperationType.QUERY}


def _wrong_operation_type(error: InvalidOperationTypeError) -> BadUserInput | MethodNotAllowed:
    if error.operation_type is OperationType.SUBSCRIPTION:
        return BadUserInput("Subscriptions need a stream: use graphql-transport-ws, or accept text/event-stream.")
    return MethodNotAllowed("A GET may not change anything: send mutations by POST.")
