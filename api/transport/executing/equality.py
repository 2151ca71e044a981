"""When two subscriptions ask for the same: the key of a share."""

from collections import Counter
from collections.abc import Hashable, Mapping
from typing import Any

import orjson
from graphql import DocumentNode, VariableNode, Visitor, visit

from api.transport.documents.documents import Document
from api.transport.limits.limits import Analysis

CURSOR_ARGUMENT = "after"  # Of a subscription: where it resumes, which says nothing of the events themselves.


def key_of(document: Document, analysis: Analysis, variables: Mapping[str, Any], sight: Hashable) -> Hashable:
    """Equal for subscriptions whose results for an event are equal."""
    name = analysis.operation.name.value if analysis.operation.name else None
    cursor = cursor_variable(document.node, analysis)
    others = {variable: value for variable, value in variables.items() if variable != cursor}
    return document.hash, name, orjson.dumps(others, option=orjson.OPT_SORT_KEYS), sight


def cursor_variable(document: DocumentNode, analysis: Analysis) -> str | None:
    """The variable that carries the cursor and nothing else; None where there is none."""
    (field,) = analysis.root_fields
    named = [
        argument.value.name.value
        for argument in field.arguments or ()
        if argument.name.value == CURSOR_ARGUMENT and isinstance(argument.value, VariableNode)
    ]
    if not named:
        return None
    uses = _Uses()
    visit(document, uses)
    return named[0] if uses.counts[named[0]] == 2 else None  # Its definition, and this use.


class _Uses(Visitor):
    """Counts where variables stand, in the whole document."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.counts[node.name.value] += 1
