"""Names of operations in documents that clients have registered: what metrics may name, as these are few."""

import logging
from collections.abc import Iterable

from graphql import GraphQLError, OperationDefinitionNode, parse

logger = logging.getLogger("commonwatt.documents")
NAMES_MAX = 500  # Each name is some twenty series of Prometheus for each transport.


def operation_names(documents: Iterable[str]) -> frozenset[str]:
    """The names of their operations, the first NAMES_MAX by the alphabet; a document that is none has no names."""
    names = sorted({name for document in documents for name in _names(document)})
    if len(names) > NAMES_MAX:
        logger.warning("metrics name %d of the %d operations that are registered", NAMES_MAX, len(names))
    return frozenset(names[:NAMES_MAX])


def _names(document: str) -> Iterable[str]:
    try:
        definitions = parse(document, no_location=True).definitions
    except GraphQLError:
        return ()
    return [each.name.value for each in definitions if isinstance(each, OperationDefinitionNode) and each.name]
