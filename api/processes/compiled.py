"""Compiled reads as the transport takes them: the engine's plans, kept with the documents they belong to."""

from collections.abc import Mapping
from typing import Any

from strawberry import Schema

from api.engine.plans import Operation, Plans, Prepared
from api.transport.documents.documents import Document
from domain.communities import sight


class DocumentPlans:
    """Plans of valid documents. Who asks is proven by the statement that answers."""

    def __init__(self, schema: Schema) -> None:
        self.plans = Plans(schema, proof=sight.stands)

    def prepared(self, document: Document, operation_name: str | None, variables: Mapping[str, Any]) -> Prepared | None:
        """The plan of an operation with its variables; None where it has none, or they are not as declared."""
        operation: Operation | None = document.plans.get(operation_name)
        if operation is None:
            node = document.analysis(operation_name).operation
            operation = document.plans[operation_name] = self.plans.operation(document.node, node)
        return self.plans.prepared(operation, variables)
