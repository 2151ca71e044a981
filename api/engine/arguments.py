"""Arguments of an operation's fields: checked as the ordinary path checks them, and split into what shapes a statement
and what it binds.

Whether a filter names a country decides what the statement says; which country only fills a parameter. So each place
with arguments yields a *structure*, which statements are kept by, and *values*, bound when a statement runs.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from graphql import FieldNode, ListValueNode, ObjectValueNode, VariableNode
from graphql.execution.values import VariableValues, get_argument_values
from sqlalchemy import BindParameter
from sqlalchemy.sql import visitors
from strawberry import Schema
from strawberry.types.arguments import convert_arguments

from api.engine.connections import Page, beyond, page_of
from api.engine.declarations import Column, Many
from api.engine.emitters import Refused
from api.engine.selections import Site


@dataclass(frozen=True)
class Given:
    """The arguments at one place."""

    structure: Hashable
    values: Sequence[Any]
    expressions: tuple[Any, ...]  # Conditions of a page, or the one expression of a column; with values inside.
    binds: Sequence[BindParameter[Any]]
    page: Page | None = None
    filters: int = 0  # How many of the conditions are the filter's: these hold for the whole list, not for the page.


class Arguments:
    """Reads the arguments of one schema's fields."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.core = schema._schema

    def values_at(self, site: Site, variables: VariableValues) -> dict[str, Any]:
        """Arguments by Python name, defaults included. Raises what the ordinary path would answer with."""
        values = get_argument_values(site.type.fields[site.node.name.value], site.node, variables)
        registry, config = self.schema.schema_converter.scalar_registry, self.schema.config
        return convert_arguments(values, site.field.arguments, registry, config)

    def given(self, site: Site, variables: VariableValues) -> Given:
        """The arguments at a place. Raises Refused, and what the ordinary path would answer with."""
        values = self.values_at(site, variables)
        if isinstance(site.mark, Column):
            return _of_column(site.mark, next(iter(values.values()), None))
        assert isinstance(site.mark, Many)
        return _of_page(site.mark, values)


def _of_column(column: Column, argument: Any) -> Given:
    expression = column.select(argument)
    structure, binds = _structure((expression,))
    return Given(structure, [bind.value for bind in binds], (expression,), binds)


def _of_page(many: Many, values: dict[str, Any]) -> Given:
    page = page_of(many, values)
    given = values.get("filter")
    filters = many.where(given) if given is not None and many.where else []
    conditions = [*filters, *beyond(many, page)]
    structure, binds = _structure(conditions)
    # The size is part of the text: a planner that knows the limit plans once and well for all viewers.
    terms = (page.order_name, page.is_backward, page.size, page.bound is None, structure)
    return Given(terms, [bind.value for bind in binds], tuple(conditions), binds, page, len(filters))


def _structure(expressions: Sequence[Any]) -> tuple[Hashable, list[BindParameter[Any]]]:
    """What the text of expressions depends on, and their parameters in order. Raises Refused."""
    keys: list[Hashable] = []
    binds: list[BindParameter[Any]] = []
    for expression in expressions:
        key = expression._generate_cache_key()
        if key is None or any(bind.expanding for bind in key.bindparams):
            raise Refused("the condition has no text of its own")
        keys.append(key.key)
        binds += key.bindparams
    return tuple(keys), binds


def renamed(given: Given, number: int) -> list[Any]:
    """The expressions with their parameters named for a place: `site:<number>:<position>`."""
    names = {bind.key: f"site:{number}:{position}" for position, bind in enumerate(given.binds)}

    def rename(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.key in names:
            return BindParameter(names[element.key], type_=element.type)
        return None

    return [visitors.replacement_traverse(expression, {}, rename) for expression in given.expressions]


def has_variables(node: FieldNode) -> bool:
    """Whether any argument of a field depends on a variable."""
    waiting: list[Any] = [argument.value for argument in node.arguments or ()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, VariableNode):
            return True
        if isinstance(value, ListValueNode):
            waiting += value.values
        elif isinstance(value, ObjectValueNode):
            waiting += [field.value for field in value.fields]
    return False
