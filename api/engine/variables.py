"""Variables of an operation: graphql-core coerces them, but for the plain ones that need no coercing.

Most operations are asked with ids, texts and page sizes. A value that JSON gave the very type of its built-in scalar is
taken as it is; anything else, right or wrong, is graphql-core's to judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    DocumentNode,
    GraphQLSchema,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    ObjectFieldNode,
    OperationDefinitionNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values

PLAIN: Mapping[str, type[Any]] = MappingProxyType({"ID": str, "String": str, "Boolean": bool, "Int": int})
MISSING = object()


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a built-in scalar; `may_be_missing` where it is nullable and has no default."""

    name: str
    kind: type[Any]
    may_be_missing: bool


class Variables:
    """The variables that one operation declares."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self.schema = schema
        self.definitions = operation.variable_definitions or ()
        # Within the literal of a scalar of ours a variable is replaced by its source, which is not kept here.
        are_whole = not _stand_in_literals(document)
        self.plain = [_plain(definition) if are_whole else None for definition in self.definitions]

    def coerced(self, given: Mapping[str, Any]) -> VariableValues | None:
        """The values as the operation declares them; None where they are not."""
        found = self._taken(given)
        if found is not None:
            return VariableValues({}, found)
        values = get_variable_values(self.schema, self.definitions, dict(given))
        return values if isinstance(values, VariableValues) else None

    def _taken(self, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values as they are; None where one needs a closer look."""
        found = {}
        for variable in self.plain:
            if variable is None:
                return None
            value = given.get(variable.name, MISSING)
            if type(value) is variable.kind and (type(value) is not int or GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT):
                found[variable.name] = value
            elif value is not MISSING or not variable.may_be_missing:
                return None
        return found


def _stand_in_literals(document: DocumentNode) -> bool:
    """Whether a variable stands within a list or an object."""
    found: list[VariableNode] = []

    class Literals(Visitor):
        def enter_list_value(self, node: ListValueNode, *_: Any) -> None:
            found.extend(value for value in node.values if isinstance(value, VariableNode))

        def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
            found.extend([node.value] if isinstance(node.value, VariableNode) else [])

    visit(document, Literals())
    return bool(found)


def _plain(definition: VariableDefinitionNode) -> Variable | None:
    type_node = definition.type
    is_required = isinstance(type_node, NonNullTypeNode)
    named = type_node.type if isinstance(type_node, NonNullTypeNode) else type_node
    if not isinstance(named, NamedTypeNode) or named.name.value not in PLAIN:
        return None
    may_be_missing = not is_required and definition.default_value is None
    return Variable(definition.variable.name.value, PLAIN[named.name.value], may_be_missing)
