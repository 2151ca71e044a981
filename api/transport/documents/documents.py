"""From a document's text to one that may run: parsed, within limits, valid, and paid for."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLError, GraphQLSchema
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import validate_document
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from api.transport.documents.plans import CompiledReads, NotStanding, Prepared
from api.transport.limits import costs, limits, reads
from api.transport.limits.budgets import Budgets
from api.transport.limits.limits import Analysis
from api.transport.limits.live import Live
from api.transport.terms import identity, operations
from api.transport.terms.errors import (
    BadUserInput,
    CodedError,
    ErrorCode,
    Forbidden,
    MethodNotAllowed,
    QueryTooComplex,
    Unauthenticated,
)
from api.transport.terms.operations import NODES_LIGHT, Operation
from api.transport.terms.settings import TransportSettings
from api.transport.terms.writing import Writing

FOLLOWERS = "followers"
CACHED_CHARACTERS_MAX = 16 * 1024  # Longer texts are rare, and the cache is bounded in documents, not in bytes.


def hash_of(text: str) -> str:
    """The id of a document: SHA-256 of its text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Document:
    """A valid document."""

    hash: str
    node: DocumentNode
    analyses: Mapping[str | None, Analysis]
    plans: dict[str | None, Any] = field(default_factory=dict)  # By operation name; what the engine keeps of it.

    def analysis(self, operation_name: str | None) -> Analysis:
        """What the chosen operation asks for. Raises BadUserInput when the choice is missing."""
        if operation_name is None and len(self.analyses) > 1:
            raise BadUserInput("The document holds several operations: name one in operationName.")
        if operation_name is None:
            return next(iter(self.analyses.values()))
        return self.analyses[operation_name]


class InvalidDocument(Exception):
    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__("The document is not valid.")
        self.errors = errors


class Documents:
    """Valid documents by their text, the ones unused for longest forgotten first.

    `trusted` are texts by their hash; with `trusted_documents_only` no other text may run.
    """

    def __init__(self, schema: GraphQLSchema, settings: TransportSettings, trusted: Mapping[str, str]) -> None:
        self.schema = schema
        self.settings = settings
        self.trusted = trusted
        self.valid: OrderedDict[str, Document] = OrderedDict()

    def known(self, text: str) -> Document | None:
        document = self.valid.get(text)
        if document is not None:
            self.valid.move_to_end(text)
        return document

    def check(self, text: str, node: DocumentNode, rules: Any) -> Document:
        """Limits first, then validation. Raises a CodedError or InvalidDocument."""
        document_hash = hash_of(text)
        if self.settings.trusted_documents_only and document_hash not in self.trusted:
            raise Forbidden("Only published documents may run here: send the id of one.")
        analyses = limits.analyse(self.schema, node, self.settings.limits)
        errors = validate_document(self.schema, node, rules)
        if errors:
            raise InvalidDocument([_as_validation_error(error) for error in errors])
        return self._keep(text, Document(document_hash, node, analyses))

    def node_count(self, analysis: Analysis, variables: Mapping[str, Any]) -> int:
        """The nodes an operation may return."""
        sizes = costs.sizes_of_variables(analysis.operation, analysis.size_variables, variables)
        return costs.node_count(analysis.pages, sizes, self.settings.limits.page_size)

    def note_reads(self, operation: Operation, analysis: Analysis, variables: Mapping[str, Any]) -> None:
        """Count what an operation reads beside its nodes. Raises QueryTooComplex."""
        if not analysis.reads:
            return
        sizes = costs.sizes_of_variables(analysis.operation, analysis.size_variables, variables)
        operation.read_points = reads.points(
            analysis.reads,
            analysis.operation,
            variables,
            operation.viewer,
            lambda nodes: costs.count(nodes, sizes, self.settings.limits.page_size),
        )

    def _keep(self, text: str, document: Document) -> Document:
        if len(text) <= CACHED_CHARACTERS_MAX:
            self.valid[text] = document
            if len(self.valid) > self.settings.documents_cached:
                self.valid.popitem(last=False)
        return document


def _as_validation_error(error: GraphQLError) -> GraphQLError:
    code = {"code": str(ErrorCode.GRAPHQL_VALIDATION_FAILED)}
    return GraphQLError(error.message, error.nodes, error.source, error.positions, extensions=code)


class DocumentChecks(SchemaExtension):
    """Runs every document through the checks, between parsing and execution."""

    def __init__(
        self, documents: Documents, budgets: Budgets, live: Live, compiled: CompiledReads | None, writing: Writing
    ) -> None:
        self.documents = documents
        self.live = live
        self.budgets = budgets
        self.compiled = compiled
        self.writing = writing
        self.document: Document | None = None

    async def on_operation(self) -> AsyncIterator[None]:
        self.execution_context.parse_options["max_tokens"] = self.documents.settings.limits.tokens
        yield
        operation = operations.current()
        if operation is not None and operation.budget is None:
            await self.budgets.note(operation, 1)  # A text that does not even parse is not free.

    def on_parse(self) -> Iterator[None]:
        self.document = self.documents.known(self.execution_context.query or "")
        if self.document is not None:
            self.execution_context.graphql_document = self.document.node
        yield

    async def on_validate(self) -> AsyncIterator[None]:
        try:
            await self._admit()
            self.execution_context.pre_execution_errors = []  # Not None: validated already.
        except InvalidDocument as invalid:
            self.execution_context.pre_execution_errors = invalid.errors
        except CodedError as error:
            self.execution_context.pre_execution_errors = [GraphQLError(error.message, original_error=error)]
        yield

    async def on_execute(self) -> AsyncIterator[None]:
        """A query that a plan answers whole is not executed; of other operations the plan answers parts."""
        context = self.execution_context
        prepared = self._prepared()
        data = await self._answer(prepared) if prepared is not None and prepared.is_whole else None
        if data is not None:
            context.result = ExecutionResult(data=orjson.Fragment(data), errors=None)  # type: ignore[arg-type]
        elif prepared is not None:
            context.context.prepared = prepared
        yield

    async def _answer(self, prepared: Prepared) -> bytes | None:
        context = self.execution_context
        with suppress(NotStanding):  # It ended after it was let in; what it may see was decided then.
            # Strawberry does not leave the contexts it has entered when entering one fails, so the deadline is our own.
            async with asyncio.timeout(self.documents.settings.operation_seconds_max):
                return await prepared.answer(self._database(), context.context.viewer)
        return None

    def _database(self) -> Any:
        assert self.compiled is not None
        operation = operations.current()
        whole = self.compiled.database
        return whole.share_of(operation.heavy_key) if operation is not None and operation.heavy_key else whole

    def _prepared(self) -> Prepared | None:
        context = self.execution_context
        if self.compiled is None or self.document is None or context.operation_type is OperationType.SUBSCRIPTION:
            return None
        name, variables = context._provided_operation_name, context.variables or {}
        return self.compiled.plans.prepared(self.document, name, variables)

    async def _admit(self) -> None:
        operation = operations.current()
        if operation is not None and self.document is None:
            await self.budgets.charge_text(operation, self.execution_context.query or "")
        try:
            analysis = self._analysis(operation)
        except (InvalidDocument, CodedError):
            if operation is not None:
                await self.budgets.charge(operation, 1)
            raise
        if operation is not None:
            self._share(operation)
            await self.budgets.charge(operation, operation.points)
            variables = self.execution_context.variables or {}
            await self.budgets.charge_root_fields(self.documents.schema, operation, analysis, variables)

    def _share(self, operation: Operation) -> None:
        """Let a heavy operation use its caller's share of the database only. Raises RateLimited, QueryTooComplex."""
        if not operation.is_heavy:
            return
        if operation.kind == "mutation":
            message = "What a mutation answers with is read by a query where it is so much."
            raise QueryTooComplex(message, limit=NODES_LIGHT, value=operation.points)
        key = identity.bucket_key(operation.viewer, operation.address)
        if operation.kind == "query":
            self.live.take_heavy(key)
            operation.heavy_key = key
        self.execution_context.context.share = key

    def _analysis(self, operation: Operation | None) -> Analysis:
        context = self.execution_context
        assert context.query is not None
        assert context.graphql_document is not None
        if self.document is None:
            self.document = self.documents.check(context.query, context.graphql_document, context.validation_rules)
        analysis = self.document.analysis(context._provided_operation_name)
        node_count = self._node_count(analysis)
        if operation is not None:
            self._note(operation, self.document, analysis, node_count)
            self._check_introspection(operation, analysis)
            self._check_reads(operation, analysis)
        else:
            self._share_of_followers(analysis, node_count)
        return analysis

    def _share_of_followers(self, analysis: Analysis, node_count: int) -> None:
        """What several follow together, and what runs outside of the transport, has one share where it is heavy."""
        context = self.execution_context
        seen = Operation("", context.context.viewer, FOLLOWERS, "websocket", node_count=node_count)
        self.documents.note_reads(seen, analysis, context.variables or {})
        if seen.is_heavy:
            context.context.share = FOLLOWERS

    def _node_count(self, analysis: Analysis) -> int:
        most = self.documents.settings.limits.nodes
        count = self.documents.node_count(analysis, self.execution_context.variables or {})
        if count > most:
            message = f"The document may return {count} nodes; at most {most} are allowed. Ask for smaller pages."
            raise QueryTooComplex(message, limit=most, value=count)
        return count

    def _check_reads(self, operation: Operation, analysis: Analysis) -> None:
        self.documents.note_reads(operation, analysis, self.execution_context.variables or {})
        most = self.budgets.rate_of(operation.viewer).capacity
        if operation.points > most:
            message = f"This costs {operation.points} points, more than ever are left; ask for less at once."
            raise QueryTooComplex(message, limit=most, value=operation.points)

    def _note(self, operation: Operation, document: Document, analysis: Analysis, node_count: int) -> None:
        operation.name = analysis.operation.name.value if analysis.operation.name else None
        operation.kind = analysis.operation.operation.value
        operation.document_hash = document.hash
        operation.node_count = node_count
        own = self.documents.settings.root_fields_of_caller
        operation.is_own = any(field.name.value in own for field in analysis.root_fields)
        if operation.kind == "mutation" and not operation.may_change:
            raise MethodNotAllowed("A GET may not change anything: send mutations by POST.")
        if operation.kind == "mutation":
            self.writing.check()

    def _check_introspection(self, operation: Operation, analysis: Analysis) -> None:
        is_open = self.documents.settings.anonymous_introspection
        if analysis.introspects and operation.viewer.is_anonymous and not is_open:
            raise Unauthenticated("Introspection is for authenticated callers; the schema is published as a file.")
