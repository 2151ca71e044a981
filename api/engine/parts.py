"""Compiled parts of an operation: what one statement answers.

A part is a page, an entity by id, several by their ids, or the entity that a payload leads to. Its statements are kept
by the viewer's shape and the structure of its arguments.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from asyncpg import SyntaxOrAccessError
from graphql import GraphQLObjectType, VariableNode
from graphql.execution.values import VariableValues
from sqlalchemy import BindParameter, ColumnElement, Text, Uuid, bindparam, case, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from api.engine.arguments import Arguments, Given, has_variables
from api.engine.declarations import ENTITIES, parse_id
from api.engine.emitters import Joined, Refused
from api.engine.selections import Fields, Row, Selector, Site
from api.engine.statements import COMMA, NULL, Writer
from api.engine.texts import Statement, statement_of
from api.transport.documents.plans import NotStanding
from domain.identity.viewers import Viewer

logger = logging.getLogger("commonwatt.engine")

STATEMENTS_MAX = 2_000
IDS_MAX = 100
KEY: BindParameter[UUID] = bindparam("key:id", type_=Uuid())
Proof = Callable[[Viewer], ColumnElement[bool]]
Write = Callable[[Writer], Any]


class Reading(Protocol):
    """Where statements are run."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> Any:
        """The one row of a statement."""


class Statements:
    """Statements of all plans of a process, the ones unused for longest forgotten first."""

    def __init__(self, most: int = STATEMENTS_MAX) -> None:
        self.most = most
        self.kept: OrderedDict[Hashable, Statement] = OrderedDict()
        self.making: dict[Hashable, asyncio.Task[Statement]] = {}

    def get(self, key: Hashable) -> Statement | None:
        """The statement of a key, if it is kept."""
        statement = self.kept.get(key)
        if statement is not None:
            self.kept.move_to_end(key)
        return statement

    async def make(self, key: Hashable, compile: Callable[[], Statement]) -> Statement:
        """Compile the statement of a key in a thread, once for all who wait: a large one takes a tenth of a second."""
        task = self.making.get(key)
        if task is None:
            task = self.making[key] = asyncio.create_task(self._make(key, compile))
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, compile: Callable[[], Statement]) -> Statement:
        try:
            statement = self.kept[key] = await asyncio.to_thread(compile)
        except Refused:
            raise
        except Exception:
            logger.exception("A statement cannot be compiled; the ordinary path answers")
            raise Refused("the statement cannot be compiled") from None
        finally:
            del self.making[key]
        if len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return statement


@dataclass(frozen=True, slots=True)
class Compiler:
    """What the parts of one schema have in common."""

    arguments: Arguments
    proof: Proof  # True as long as a viewer of a shape is who the cache says.
    statements: Statements


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom, and on what, a part is read."""

    database: Reading
    variables: VariableValues
    viewer: Viewer
    shape: Viewer


class PlanPart:
    """What one statement answers."""

    def __init__(self, compiler: Compiler) -> None:
        self.compiler = compiler

    async def read(self, asker: Asker) -> str | None:
        """The JSON of the part. Raises NotStanding, Refused, and what the ordinary path would answer with."""
        raise NotImplementedError

    async def run(self, asker: Asker, places: "Places", write: Write, kind: Hashable = None, **keys: Any) -> str | None:
        """Run the statement of a selection. `keys` fill its `key:` parameters, `kind` tells selections apart."""
        given = places.given(asker.variables)
        structure = (self, kind, id(asker.shape), *(given[number].structure for number in places.varying))
        statements = self.compiler.statements
        statement = statements.get(structure)
        if statement is None:
            statement = await statements.make(structure, lambda: self._compile(Writer(asker.shape, given), write))
        try:
            row = await asker.database.fetch(statement.text, statement.values(given, keys, asker.viewer))
        except SyntaxOrAccessError:
            logger.exception("A compiled statement is not understood; the ordinary path answers")
            raise Refused("the statement is not understood") from None
        if not row[1]:
            raise NotStanding
        json: str | None = row[0]
        return json

    def _compile(self, writer: Writer, write: Write) -> Statement:
        return statement_of(select(write(writer), self.compiler.proof(writer.shape)))


class Places:
    """The places with arguments in a selection; those without variables are read once."""

    def __init__(self, arguments: Arguments, sites: Sequence[Site]) -> None:
        self.arguments = arguments
        none = VariableValues({}, {})
        self.constant = {site.number: arguments.given(site, none) for site in sites if not has_variables(site.node)}
        self.varying = {site.number: site for site in sites if site.number not in self.constant}

    def given(self, variables: VariableValues) -> Mapping[int, Given]:
        """The arguments at all places."""
        if not self.varying:
            return self.constant
        read = {number: self.arguments.given(site, variables) for number, site in self.varying.items()}
        return self.constant | read


class PagePart(PlanPart):
    """A root connection, or one of the viewer's own."""

    def __init__(self, compiler: Compiler, selector: Selector, kind: GraphQLObjectType, fields: Fields) -> None:
        super().__init__(compiler)
        self.pages = selector.pages(kind, fields)
        self.places = Places(compiler.arguments, selector.sites)

    async def read(self, asker: Asker) -> str | None:
        return await self.run(asker, self.places, lambda writer: writer.page(self.pages, None))


class EntityPart(PlanPart):
    """An entity whose key is known when the statement runs: what a payload or an event leads to."""

    def __init__(self, compiler: Compiler, selector: Selector, type_name: str, fields: Fields) -> None:
        super().__init__(compiler)
        self.row = selector.row(ENTITIES[type_name], fields)
        self.places = Places(compiler.arguments, selector.sites)

    async def of(self, key: UUID, asker: Asker) -> str | None:
        """The JSON of the entity with this key as the viewer may see it, else `null`."""
        return await self.run(asker, self.places, lambda writer: _by_id(writer, self.row, KEY), id=key)


class NodesPart(PlanPart):
    """Entities of any type by their global ids, one (`node`) or several (`nodes`)."""

    def __init__(self, compiler: Compiler, selector: Selector, kind: GraphQLObjectType, fields: Fields) -> None:
        super().__init__(compiler)
        self.selector = selector
        self.fields = fields
        self.site = selector.site(kind, fields[0].node)
        self.is_list = self.site.field.python_name == "nodes"
        self.argument = (self.site.node.arguments or ())[0].value
        self.rows: dict[str, tuple[Row, Places]] = {}

    async def read(self, asker: Asker) -> str | None:
        parsed = [parse_id(text) for text in self._ids(asker.variables)]
        if None in parsed or len(parsed) > IDS_MAX:
            raise Refused("an id is malformed, or there are too many")
        return await self._read(asker, [pair for pair in parsed if pair])

    def _ids(self, variables: VariableValues) -> Sequence[str]:
        if not self.is_list and isinstance(self.argument, VariableNode):
            return [variables.coerced[self.argument.name.value]]  # An ID!, as validation saw to.
        values = self.compiler.arguments.values_at(self.site, variables)
        return values["ids"] if self.is_list else [values["id"]]

    async def _read(self, asker: Asker, ids: Sequence[tuple[str, UUID]]) -> str | None:
        kinds = tuple(sorted({kind for kind, _ in ids if kind in ENTITIES}))
        if len(kinds) == 1 and not self.is_list:
            row, places = self._of(kinds[0])
            return await self.run(asker, places, lambda writer: _by_id(writer, row, KEY), kinds, id=ids[0][1])
        if not self.is_list:
            return "null"
        names, keys = [kind for kind, _ in ids], [key for _, key in ids]
        return await self.run(asker, self._all(kinds), lambda w: self._list(w, kinds), kinds, kinds=names, ids=keys)

    def _of(self, kind: str) -> tuple[Row, Places]:
        """What is selected of a type. Raises Refused."""
        if kind not in self.rows:
            before = len(self.selector.sites)
            row = self.selector.row(ENTITIES[kind], self.fields)
            self.rows[kind] = row, Places(self.compiler.arguments, self.selector.sites[before:])
        return self.rows[kind]

    def _all(self, kinds: Sequence[str]) -> Places:
        places = Places(self.compiler.arguments, ())
        for kind in kinds:
            _, of_kind = self._of(kind)
            places.constant |= of_kind.constant
            places.varying |= of_kind.varying
        return places

    def _list(self, writer: Writer, kinds: Sequence[str]) -> Any:
        """`[...]` in the order of the ids given."""
        given = (bindparam("key:kinds", type_=ARRAY(Text())), bindparam("key:ids", type_=ARRAY(Uuid())))
        asked = func.unnest(*given).table_valued("kind", "id", with_ordinality="place").render_derived("asked")
        rows = [
            (asked.c.kind == literal_column(f"'{kind}'"), _by_id(writer, self.rows[kind][0], asked.c.id, asked))
            for kind in kinds
        ]
        each = case(*rows, else_=NULL) if rows else NULL
        listed = func.string_agg(each, aggregate_order_by(COMMA, asked.c.place))
        whole = Joined("[", func.coalesce(listed, literal_column("''")), "]")
        return select(whole).select_from(asked).scalar_subquery()


def _by_id(writer: Writer, row: Row, key: Any, *outer: Any) -> Any:
    found = writer.one(row, lambda rows: rows.id == key)
    if outer:
        found = found.correlate(*outer)
    return func.coalesce(found.scalar_subquery(), NULL)
