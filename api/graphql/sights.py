"""Sight: what the results of a subscription may depend on of who asks, never guessed.

A subscription field says what its events depend on by `metadata={SIGHT: ...}`; one that says nothing depends on the
whole viewer. Below it, plain attributes add nothing. What leads to entities adds the predicate of who may see them
with its values: it is the same for all where everybody may see them. Any other resolver adds the whole viewer.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    SelectionNode,
    SelectionSetNode,
    get_named_type,
)
from sqlalchemy.dialects import postgresql

from api.engine.declarations import ENTITIES, MARK, Column, Composite, Edge, Many, Visible
from api.engine.selections import strawberry_field
from api.resources.database import Database
from api.transport.documents.documents import Document
from api.transport.executing.shares import Sharing
from api.transport.limits.limits import Analysis
from domain.communities import sight
from domain.identity.viewers import Viewer

SIGHT = "sight"
SightOf = Callable[[Viewer], Hashable]

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def whole(viewer: Viewer) -> Hashable:
    """The viewer in every respect but for how long, and when it was last looked at."""
    return replace(viewer, expires_at=None, version=0, day=None)


def anybody_signed_in(viewer: Viewer) -> Hashable:
    """Nothing but that somebody signed in."""
    return viewer.is_anonymous


@dataclass(frozen=True, slots=True)
class EntitySight:
    """Which rows of an entity may be seen, `visible` instead of the entity's own predicate where it is given."""

    name: str
    visible: Visible | None = None

    def __call__(self, viewer: Viewer) -> Hashable:
        predicate = (self.visible or ENTITIES[self.name].visible)(viewer).compile(dialect=DIALECT)
        values = ((name, _frozen(value)) for name, value in sorted(predicate.params.items()))
        return str(predicate), tuple(values)


def _frozen(value: Any) -> Hashable:
    return tuple(value) if isinstance(value, list) else value


def sharing(schema: GraphQLSchema, database: Database) -> Sharing:
    """Which subscriptions are equal, and how viewers are looked at again."""

    def sight_of(viewer: Viewer, document: Document, analysis: Analysis) -> Hashable:
        found = [of(viewer) for of in dict.fromkeys(_Walk(schema, document).sights(analysis))]
        return tuple(found)

    async def standing(viewers: Sequence[Viewer]) -> Sequence[Viewer | None]:
        claims = await sight.still_standing(database.fetch, viewers)
        if all(viewer.claim in claims for viewer in viewers):
            return viewers
        async with database.reading() as connection:
            return [viewer if viewer.claim in claims else await sight.again(connection, viewer) for viewer in viewers]

    return Sharing(sight_of, standing)


class _Walk:
    """Through everything that one subscription selects."""

    def __init__(self, schema: GraphQLSchema, document: Document) -> None:
        self.schema = schema
        self.fragments = {
            node.name.value: node for node in document.node.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def sights(self, analysis: Analysis) -> Iterator[SightOf]:
        assert self.schema.subscription_type is not None
        (root,) = analysis.root_fields
        field = strawberry_field(self.schema.subscription_type, root.name.value)
        yield field.metadata.get(SIGHT, whole)
        yield from self._below(get_named_type(self.schema.subscription_type.fields[root.name.value].type), root)

    def _below(self, kind: Any, node: FieldNode) -> Iterator[SightOf]:
        if node.selection_set is None:
            return
        if not isinstance(kind, GraphQLObjectType):
            yield whole  # Which type it is may be a matter of sight, too.
            return
        for selected in self._fields(node.selection_set):
            name = selected.name.value
            if not name.startswith("__"):
                yield from _of_field(kind, name)
                yield from self._below(get_named_type(kind.fields[name].type), selected)

    def _fields(self, selections: SelectionSetNode) -> Iterator[FieldNode]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node
            else:
                yield from self._fields(self._inside(node))

    def _inside(self, node: SelectionNode) -> SelectionSetNode:
        if isinstance(node, FragmentSpreadNode):
            return self.fragments[node.name.value].selection_set
        inside: SelectionSetNode = node.selection_set  # type: ignore[attr-defined]  # Of an inline fragment.
        return inside


def _of_field(kind: GraphQLObjectType, name: str) -> Iterator[SightOf]:
    field = strawberry_field(kind, name)
    mark = field.metadata.get(MARK)
    match mark:
        case Edge():
            yield EntitySight(mark.target)
        case Many():
            yield EntitySight(mark.target, mark.visible)
        case Column() | Composite():
            pass  # A column of a row that may be seen.
        case _ if field.base_resolver is None or field.python_name == "id":
            pass  # An attribute.
        case _:
            yield whole
