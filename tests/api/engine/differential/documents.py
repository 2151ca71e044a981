"""Random valid operations over the schema; one seed gives one operation of a database.

Fields of one response name may meet where selections merge, also through fragments. `Scope` sees to it that what is
written always merges; validation has the last word.
"""

import re
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    parse,
)

from api.engine.declarations import ENTITIES
from api.transport.limits import costs, limits
from api.transport.terms.errors import CodedError
from api.transport.terms.settings import DocumentLimits
from tests.api.engine.differential.arguments import Arguments
from tests.api.engine.differential.scopes import Scope
from tests.api.engine.differential.supplies import Supplies
from tests.api.engine.rooms import READS

Kind = GraphQLObjectType | GraphQLInterfaceType

LIMITS = DocumentLimits()
DEPTH_MAX = 11
ROWS_MAX = 500  # Of a connection, those below all its parents together.
FIELDS_MAX = 60
ALIASES_MAX = 25
DIRECTIVES_MAX = 8
FRAGMENTS_MAX = 2
ALIASES = ("a", "b", "name", "id", "__x", "kind_")
SELDOM = frozenset[str]().union(*(reads.seldom for reads in READS.values()))
TYPENAME = ("__typename", "String!")
LIKELY = {"edges": 8, "node": 10, "nodes": 4, "viewer": 3, "pageInfo": 3, "totalCount": 3}


@dataclass(frozen=True)
class Operation:
    """A document, the operation of it to run, and the values of its variables."""

    seed: str
    text: str
    variables: dict[str, Any]
    name: str | None = None

    def saying(self, text: str) -> "Operation":
        """The same operation in other words."""
        used = {name: value for name, value in self.variables.items() if f"${name}" in text}
        return Operation(self.seed, text, used, self.name)

    def __str__(self) -> str:
        return f"# seed {self.seed}\n{self.text}\n# variables {self.variables!r}, operation {self.name}"


@dataclass(frozen=True)
class Place:
    """Where a selection set stands: how deep, below how many parents, and what entities are to be expected there."""

    depth: int
    parents: int
    targets: tuple[str, ...] = ()
    fragments: int = 0  # How many we are inside of since the last field.

    def inside(self, *targets: str) -> "Place":
        """The same place, inside one more fragment."""
        return Place(self.depth, self.parents, targets or self.targets, self.fragments + 1)


def operation(schema: GraphQLSchema, supplies: Supplies, seed: str) -> Operation:
    """The operation of a seed, within the limits of the transport."""
    for attempt in count():
        writer = _Writer(schema, supplies, Random(f"{seed}/{attempt}"))
        text, name = writer.document()
        if is_within_limits(schema, text, writer.arguments.values):
            return Operation(seed, text, writer.arguments.values, name)
    raise AssertionError


def is_within_limits(schema: GraphQLSchema, text: str, variables: dict[str, Any]) -> bool:
    """Whether the transport would run it."""
    try:
        node = parse(text, max_tokens=LIMITS.tokens)
        analyses = limits.analyse(schema, node, LIMITS)
    except (CodedError, SyntaxError):
        return False
    analysis = next(iter(analyses.values()))
    sizes = costs.sizes_of_variables(analysis.operation, analysis.size_variables, variables)
    return costs.node_count(analysis.pages, sizes, LIMITS.page_size) <= LIMITS.nodes


class _Writer:
    def __init__(self, schema: GraphQLSchema, supplies: Supplies, random: Random) -> None:
        self.schema = schema
        self.random = random
        self.arguments = Arguments(random, supplies)
        self.fragments: dict[str, tuple[str, Scope, str]] = {}  # Type, fields and text by name.
        self.fields = self.aliases = self.directives = 0

    def document(self) -> tuple[str, str | None]:
        """The text, and the name of the operation to run where there are two."""
        assert self.schema.query_type is not None
        body = self._selection_set(self.schema.query_type, Scope(), Place(1, 1))
        texts = [body, *self._reached(body)]
        used = set(re.findall(r"\$v\d+\b", " ".join(texts)))
        these = self.arguments
        these.values = {name: value for name, value in these.values.items() if f"${name}" in used}
        variables = ", ".join(f"${name}: {kind}" for name, kind in these.definitions.items() if f"${name}" in used)
        is_one_of_two = self.random.random() < 0.05
        name = "Read" if is_one_of_two else self.random.choice(["", "", "Read", "query"])
        head = f"query {name}{f'({variables})' if variables else ''} " if name or variables else ""
        texts[0] = f"{head}{body}"
        if is_one_of_two:
            texts.append("query Other { __typename }")
        return "\n".join(texts), name if is_one_of_two else None

    def _reached(self, text: str) -> list[str]:
        """The fragments that are spread, in their order: of what was given up some are left over."""
        reached: set[str] = set()
        waiting = [text]
        while waiting:
            new = set(re.findall(r"\.\.\.(F\d+)\b", waiting.pop())) - reached
            reached |= new
            waiting += [self.fragments[name][2] for name in new]
        return [text for name, (_, _, text) in self.fragments.items() if name in reached]

    def _selection_set(self, kind: Kind, scope: Scope, place: Place) -> str:
        wanted = self.random.choice([1, 2, 3, 5] if place.depth == 1 else [1, 2, 3, 4, 6])
        parts = [part for _ in range(wanted) if (part := self._selection(kind, scope, place))]
        return f"{{ {' '.join(parts) or '__typename'} }}"

    def _selection(self, kind: Kind, scope: Scope, place: Place) -> str:
        draw = self.random.random()
        if draw < 0.06:
            return self._typename(kind, scope)
        if isinstance(kind, GraphQLInterfaceType):
            return self._interface(kind, scope, place)
        if draw < 0.16 and place.fragments < FRAGMENTS_MAX:
            return self._inline(kind, scope, place)
        if 0.16 <= draw < 0.24 and place.fragments < FRAGMENTS_MAX:
            return self._spread(kind, scope, place)
        if 0.24 <= draw < 0.3 and scope.entries:
            again = self._again(kind, scope, place)
            if again:
                return again
        return self._field(kind, scope, place)

    def _interface(self, kind: GraphQLInterfaceType, scope: Scope, place: Place) -> str:
        """Mostly fields of the types to be expected, sometimes of those that never come, sometimes its own."""
        draw = self.random.random()
        if draw < 0.15 or place.fragments > FRAGMENTS_MAX:
            return self._field(kind, scope, place)
        types = sorted(each.name for each in self.schema.get_possible_types(kind))
        expected = [name for name in place.targets if name in types] if draw < 0.9 else []
        target = self.schema.type_map[self.random.choice(expected or types)]
        assert isinstance(target, GraphQLObjectType)
        if draw < 0.3:
            return self._spread(target, scope, place)
        return f"... on {target.name}{self._directive()} {self._selection_set(target, scope, place.inside())}"

    def _inline(self, kind: GraphQLObjectType, scope: Scope, place: Place) -> str:
        draw = self.random.random()
        if kind.name in ENTITIES and draw < 0.3:
            # Inside the interface any type may be named: those that do not match are passed over.
            node = self.schema.type_map["Node"]
            assert isinstance(node, GraphQLInterfaceType)
            return f"... on Node{self._directive()} {self._selection_set(node, scope, place.inside(kind.name))}"
        condition = f" on {kind.name}" if draw < 0.7 else ""
        return f"...{condition}{self._directive()} {self._selection_set(kind, scope, place.inside())}"

    def _spread(self, kind: GraphQLObjectType, scope: Scope, place: Place) -> str:
        """A named fragment: one that was written before where it fits, else a new one."""
        for name, (of, fields, _) in self.fragments.items():
            if of == kind.name and self.random.random() < 0.7 and scope.takes(fields):
                scope.join(fields)
                return f"...{name}{self._directive()}"
        fields = Scope()
        body = self._selection_set(kind, fields, place.inside())
        name = f"F{len(self.fragments)}"
        if not scope.takes(fields):
            return ""
        scope.join(fields)
        self.fragments[name] = (kind.name, fields, f"fragment {name} on {kind.name} {body}")
        return f"...{name}{self._directive()}"

    def _typename(self, kind: Kind, scope: Scope) -> str:
        response, alias = ("t", "t: ") if self.random.random() < 0.2 else ("__typename", "")
        if response in scope.entries and (
            self.random.random() < 0.8 or not scope.admits(response, kind.name, *TYPENAME)
        ):
            return ""
        scope.add(response, kind.name, *TYPENAME)
        return f"{alias}__typename"

    def _again(self, kind: Kind, scope: Scope, place: Place) -> str:
        """A field that stands here already, to be merged with."""
        response = self.random.choice(list(scope.entries))
        parent, signature, _ = scope.entries[response][0]
        name = signature.partition("(")[0]
        if parent != kind.name or name == "__typename" or place.depth >= DEPTH_MAX - 1:
            return ""
        found = get_named_type(kind.fields[name].type)
        alias = "" if response == name else f"{response}: "
        if is_leaf_type(found):
            return f"{alias}{signature}"
        assert isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
        inner = Place(place.depth + 1, place.parents, place.targets)
        if found.name.endswith("Connection"):
            inner = Place(place.depth + 1, ROWS_MAX, place.targets)
        return f"{alias}{signature} {self._selection_set(found, scope.below[response], inner)}"

    def _field(self, kind: Kind, scope: Scope, place: Place) -> str:
        name, field = self._chosen(kind, scope, place)
        found = get_named_type(field.type)
        arguments, rows = self.arguments.of(kind.name, name, field, max(1, ROWS_MAX // place.parents))
        targets = tuple(self.arguments.targets) or place.targets
        signature = f"{name}{arguments}"
        response = self._response(scope, kind.name, signature, str(field.type))
        if not response:
            return ""
        is_repeated = response in scope.entries
        if is_repeated and is_leaf_type(found) and self.random.random() < 0.8:
            return ""
        self.fields += 1
        below = scope.add(response, kind.name, signature, str(field.type))
        head = f"{'' if response == name else f'{response}: '}{signature}{self._directive()}"
        if is_leaf_type(found):
            return head
        assert isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
        inner = Place(place.depth + 1, min(ROWS_MAX, place.parents * rows), targets)
        return f"{head} {self._selection_set(found, below, inner)}"

    def _chosen(self, kind: Kind, scope: Scope, place: Place) -> tuple[str, GraphQLField]:
        """A field, rather one that is not there yet; leaves alone where the document is deep or long."""
        is_full = place.depth >= DEPTH_MAX or self.fields >= FIELDS_MAX
        weights: dict[str, float] = {}
        for name, each in kind.fields.items():
            is_leaf = is_leaf_type(get_named_type(each.type))
            if is_leaf or not is_full:
                weight = 1.0 if is_leaf or place.depth < 5 else 0.5
                weight = 0.15 if f"{kind.name}.{name}" in SELDOM else LIKELY.get(name, weight)
                weights[name] = weight * (0.1 if name in scope.entries else 1.0)
        weights = weights or dict.fromkeys(kind.fields, 1.0)
        [name] = self.random.choices(list(weights), list(weights.values()))
        return name, kind.fields[name]

    def _response(self, scope: Scope, parent: str, signature: str, kind: str) -> str:
        """The name under which a field may stand here; nothing when there are too many aliases."""
        name = signature.partition("(")[0]
        wanted = self.random.choice(ALIASES) if self.random.random() < 0.12 else name
        for response in (wanted, name, f"x{self.aliases}"):
            if response != name and self.aliases >= ALIASES_MAX:
                continue
            if scope.admits(response, parent, signature, kind):
                self.aliases += response != name
                return response
        return ""

    def _directive(self) -> str:
        if self.directives >= DIRECTIVES_MAX or self.random.random() > 0.07:
            return ""
        self.directives += 1
        return f" @{self.random.choice(['skip', 'include'])}(if: {self.arguments.condition()})"
