"""Selections that take in all there is of an entity, made from the schema."""

from collections.abc import Container
from typing import Any

from graphql import GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type

from api.engine.declarations import ENTITIES, MARK
from tests.api.authorization import paths
from tests.api.authorization.paths import Path

INSIDE = "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


def everything_of(schema: GraphQLSchema, entity: str, without: Container[str] = ()) -> str:
    """All that can be asked of an entity without arguments, one level deep, but the fields named in `without`."""
    kind = schema.type_map[entity]
    assert isinstance(kind, GraphQLObjectType)
    leading = {path.name: path for path in paths.paths(schema) if path.parent == entity}
    parts = []
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if f"{entity}.{name}" in without:
            continue
        if name in leading:
            parts.append(below(schema, leading[name], without))
        elif paths.needs_arguments(field):
            continue
        else:
            parts.append(name if is_leaf_type(inner) else f"{name} {{ __typename }}")
    return " ".join(parts)


def below(schema: GraphQLSchema, path: Path, without: Container[str] = ()) -> str:
    """What a path leads to: the columns of an edge's target, a page of a connection."""
    columns = _columns(schema, path.target, without) if path.target else "__typename id"
    if path.is_list:
        return f"{path.name}(first: 3) {{ {INSIDE} edges {{ cursor node {{ {columns} }} }} }}"
    return f"{path.name} {{ {columns} }}"


def _columns(schema: GraphQLSchema, entity: str, without: Container[str]) -> str:
    kind = schema.type_map[entity]
    assert isinstance(kind, GraphQLObjectType)
    return " ".join(
        name
        for name, field in kind.fields.items()
        if is_leaf_type(get_named_type(field.type)) and _is_column(field) and f"{entity}.{name}" not in without
    )


def _is_column(field: Any) -> bool:
    return MARK in paths.definition(field).metadata or not field.args


def document_of(schema: GraphQLSchema, path: Path, without: Container[str] = ()) -> str:
    """A page of a connection, below a node or at the root."""
    assert path.target is not None
    everything = everything_of(schema, path.target, without)
    page = f"{path.name}(first: $size) {{ {INSIDE} edges {{ cursor node {{ {everything} }} }} }}"
    if path.parent == "Query":
        return f"query Q($size: Int!) {{ page: {page} }}"
    if path.parent not in ENTITIES:
        return f"query Q($size: Int!) {{ holder: {path.parent.lower()} {{ page: {page} }} }}"
    inside = f"... on {path.parent} {{ page: {page} }}"
    return f"query Q($size: Int!, $id: ID!) {{ holder: node(id: $id) {{ {inside} }} }}"
