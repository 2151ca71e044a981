"""What a valid document is found to be, kept from its last run: whether it may take the express lane, and its cost."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import OperationType

from api.transport.documents.documents import Document, Documents
from api.transport.limits.limits import Analysis


@dataclass(frozen=True, slots=True)
class Admission:
    """One operation of a document that has been run before."""

    document: Document
    analysis: Analysis
    name: str | None
    is_plain: bool  # A query without introspection and without root fields that have limits of their own.
    size_variables: frozenset[str]
    node_count: int  # Where no variable carries a page size.


class Admissions:
    """By text and operation name; all forgotten at once when there are too many."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.kept: dict[tuple[str, str | None], Admission] = {}

    def known(self, text: str, operation_name: str | None) -> Admission | None:
        """The admission of a document that is known to be valid. Raises for an operation it does not hold."""
        document = self.documents.known(text)
        if document is None:
            return None
        admission = self.kept.get((text, operation_name))
        if admission is None or admission.document is not document:
            admission = self._keep(text, operation_name, document)
        return admission if admission.is_plain else None

    def node_count(self, admission: Admission, variables: Mapping[str, Any]) -> int | None:
        """The nodes an operation may return; None for more than are allowed."""
        count = admission.node_count
        if admission.size_variables:
            count = self.documents.node_count(admission.analysis, variables)
        return count if count <= self.documents.settings.limits.nodes else None

    def _keep(self, text: str, operation_name: str | None, document: Document) -> Admission:
        if len(self.kept) >= self.documents.settings.documents_cached:
            self.kept.clear()
        analysis = document.analysis(operation_name)
        operation, sizes = analysis.operation, analysis.size_variables
        name = operation.name.value if operation.name else None
        count = 0 if sizes else self.documents.node_count(analysis, {})
        admission = Admission(document, analysis, name, self._is_plain(analysis), sizes, count)
        self.kept[text, operation_name] = admission
        return admission

    def _is_plain(self, analysis: Analysis) -> bool:
        limited = self.documents.settings.root_field_rates
        is_query = analysis.operation.operation is OperationType.QUERY and not analysis.introspects
        return is_query and not any(field.name.value in limited for field in analysis.root_fields)
