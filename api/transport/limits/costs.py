"""What a document may return at most: for each connection the product of the page sizes on the way to it, summed up.

Known before anything runs. A page size is a number in the document or a variable, so a document is walked once
(`limits`) and each request only multiplies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from graphql import (
    FieldNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    ValueNode,
    VariableNode,
    value_from_ast_untyped,
)

PAGE_SIZE_ARGUMENTS = frozenset({"first", "last"})
ID_LIST_ARGUMENT = "ids"  # nodes(ids:) returns one node per id.
UNBOUNDED = 10**9  # Any page size with more digits than this is refused anyway.


@dataclass(frozen=True, slots=True)
class Nodes:
    """How many nodes stand at one place of the result: a known factor times the values of variables."""

    known: int = 1
    variables: tuple[str, ...] = ()

    def times(self, page_size: int | str) -> "Nodes":
        if isinstance(page_size, str):
            return Nodes(self.known, (*self.variables, page_size))
        return Nodes(self.known * page_size, self.variables)


def page_size(field: FieldNode, is_connection: bool, default: int) -> int | str | None:
    """The page size of a field, as a number or a variable's name; None when the field returns no page."""
    for argument in field.arguments or ():
        name = argument.name.value
        if (is_connection and name in PAGE_SIZE_ARGUMENTS) or name == ID_LIST_ARGUMENT:
            return _size_of(argument.value, default)
    return default if is_connection else None


def _size_of(value: ValueNode, default: int) -> int | str:
    if isinstance(value, VariableNode):
        return value.name.value
    if isinstance(value, ListValueNode):
        return len(value.values)
    if isinstance(value, IntValueNode):
        return max(0, int(value.value)) if len(value.value) < 10 else UNBOUNDED
    return default


def node_count(pages: Sequence[Nodes], sizes: Mapping[str, int], default: int) -> int:
    """Nodes of all connections together, with the page sizes that variables carry."""
    return sum(count(page, sizes, default) for page in pages)


def count(nodes: Nodes, sizes: Mapping[str, int], default: int) -> int:
    """How many nodes stand at a place, with the page sizes that variables carry."""
    return nodes.known * prod(sizes.get(name, default) for name in nodes.variables)


def sizes_of_variables(
    operation: OperationDefinitionNode, names: frozenset[str], variables: Mapping[str, Any]
) -> dict[str, int]:
    """Page sizes given by variables or their defaults. Values of another type are left to validation."""
    if not names:
        return {}
    values = {**_defaults(operation, names), **{name: variables[name] for name in names & variables.keys()}}
    sized = {name: _size_of_json(value) for name, value in values.items()}
    return {name: size for name, size in sized.items() if size is not None}


def _defaults(operation: OperationDefinitionNode, names: frozenset[str]) -> dict[str, Any]:
    return {
        definition.variable.name.value: value_from_ast_untyped(definition.default_value)
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value in names and definition.default_value is not None
    }


def _size_of_json(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # GraphQL takes 10.0 for an Int.
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(0, value), UNBOUNDED)
    return len(value) if isinstance(value, list) else None
