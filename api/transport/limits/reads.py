"""What fields read beside the nodes they return: values of series, rows that are counted or added up.

A field says so in its metadata, by `READS`. Beginning such a read costs ten points, and ten values are another: known
before anything runs, as the nodes are. Of series an operation reads a bounded number, so however many nodes may carry
one, no more than that are charged; what is followed is charged once and read at each event, so it may read few.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, OperationDefinitionNode, OperationType, value_from_ast_untyped

from api.transport.limits import costs
from api.transport.terms.errors import QueryTooComplex
from api.transport.terms.identity import Viewer

READS = "reads"
BEGINNING_POINTS = 10
VALUES_PER_POINT = 10
SERIES_MAX = 20
SERIES_MAX_OF_NOBODY = 4

Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reads:
    """How much a field reads: at most so many values, by its arguments as they were sent and by who asks.

    None where it is as light as a column.
    """

    values: Callable[[Arguments, Any], int | None]
    is_series: Callable[[Arguments], bool] = lambda arguments: True


@dataclass(frozen=True, slots=True)
class Read:
    """A field of a document that reads, below so many nodes."""

    field: FieldNode
    nodes: costs.Nodes
    reads: Reads

    @property
    def is_single(self) -> bool:
        """Whether it stands below no list."""
        return self.nodes == costs.Nodes()


def some(values: int) -> dict[str, Reads]:
    """Metadata of a field that reads about so many values, and is no series."""
    return {READS: Reads(lambda arguments, viewer: values, is_series=lambda arguments: False)}


def some_if_asked(values: int) -> dict[str, Reads]:
    """The same of a field that only reads so much where it is given an argument; else it is as light as a column."""
    asked = Reads(
        lambda arguments, viewer: None if all(value is None for value in arguments.values()) else values,
        is_series=lambda arguments: False,
    )
    return {READS: asked}


def series_max(viewer: Viewer) -> int:
    """How many series an operation may read."""
    return SERIES_MAX_OF_NOBODY if viewer.is_anonymous else SERIES_MAX


def too_many(count: int, most: int) -> QueryTooComplex:
    """The refusal of one series more than may be read."""
    message = f"An operation reads at most {most} series; ask for fewer objects, or one after another."
    return QueryTooComplex(message, limit=most, value=count)


def points(
    found: Sequence[Read],
    operation: OperationDefinitionNode,
    variables: Arguments,
    viewer: Viewer,
    nodes_of: Callable[[costs.Nodes], int],
) -> int:
    """Points of all reads together. Raises QueryTooComplex where there are too many series."""
    given = {**_defaults(operation), **variables}
    is_followed = operation.operation is OperationType.SUBSCRIPTION
    most, certain, total = SERIES_MAX_OF_NOBODY if is_followed else series_max(viewer), 0, 0
    for read in found:
        arguments = {a.name.value: _sent(a.value, given) for a in read.field.arguments or ()}
        count = nodes_of(read.nodes)
        if read.reads.is_series(arguments):
            certain += count if is_followed or read.is_single else 0
            count = min(count, most)
        values = read.reads.values(arguments, viewer)
        total += 0 if values is None else count * (BEGINNING_POINTS + -(-values // VALUES_PER_POINT))
    if certain > most:
        raise too_many(certain, most)
    return total


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    return {
        definition.variable.name.value: _sent(definition.default_value, {})
        for definition in operation.variable_definitions or ()
        if definition.default_value is not None
    }


def _sent(value: Any, variables: Mapping[str, Any]) -> Any:
    return value_from_ast_untyped(value, dict(variables))
