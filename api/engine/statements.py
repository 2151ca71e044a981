"""From what is selected to one SQL statement that returns ready JSON; the second half of the compiler.

Every appearance of a table gets an alias. A row is a concatenation of texts, an edge a sub-select, a page a sub-select
over at most size + 1 rows, of which the last only tells whether there are more.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Integer, Text, Uuid, case, cast, false, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql import visitors
from sqlalchemy.sql.operators import or_ as or_operator

from api.engine.arguments import Given, renamed
from api.engine.connections import Page, ordering
from api.engine.declarations import Edge, Entity, Many
from api.engine.emitters import Joined, constant, emitter
from api.engine.rows import Rows
from api.engine.selections import (
    Constant,
    Edges,
    Identity,
    Leading,
    PageInfo,
    Pages,
    Row,
    TotalCount,
    Value,
    Whole,
)
from domain.identity.viewers import Viewer

NULL = constant("null")
COMMA = constant(",")
ONE = literal_column("1", Integer)
CURSOR, PLACE = "cursor", "place"  # Columns of a page, beside those of its edges.


class Writer:
    """Writes the JSON of one root field for viewers of one shape and arguments of one structure."""

    def __init__(self, shape: Viewer, given: Mapping[int, Given]) -> None:
        self.shape = shape
        self.given = given
        self.tables = 0

    def rows(self, entity: Entity, many: Many | None = None) -> Rows:
        """A new appearance of an entity's table, as the target of a connection where one is given."""
        self.tables += 1
        name = f"t{self.tables}"
        if many is None:
            return Rows(name, entity.table)
        return Rows(name, entity.table, many.source, many.through and many.through.table)

    def one(self, row: Row, condition: Callable[[Rows], Any]) -> Any:
        """JSON of the one visible row that fulfils a condition, a text that is null where there is none."""
        rows = self.rows(row.entity)
        found = select(self.object(row.fields, rows, row.entity)).select_from(rows.base)
        return found.where(condition(rows), rows.of(row.entity.visible(self.shape)))

    def object(self, fields: Mapping[str, Any], rows: Rows, entity: Entity) -> Any:
        """JSON of a row."""
        return written({key: self._part(part, rows, entity) for key, part in fields.items()})

    def _part(self, part: Any, rows: Rows, entity: Entity) -> Any:
        match part:
            case Constant():
                return part.text
            case Identity():
                return Joined(f'"{entity.name}:', cast(rows.id, Text), '"')
            case Value():
                return self._value(part, rows)
            case Whole():
                return written({key: self._part(column, rows, entity) for key, column in part.fields.items()})
            case Leading():
                return self._leading(part.edge, part.row, rows)
        return self.page(part, rows)

    def _value(self, value: Value, rows: Rows) -> Any:
        if value.site is None:
            written = value.emit(rows.of(value.column.select()))
            shown = value.column.shown
            return written if shown is None else case((rows.of(shown(self.shape)), written), else_=NULL)
        given = self.given[value.site.number]
        (expression,) = renamed(given, value.site.number)
        # The value of a parameter proves that it is not null; by its new name it has none.
        emit = emitter(given.expressions[0], value.site.type.fields[value.site.node.name.value].type)
        return emit(rows.of(expression))

    def _leading(self, edge: Edge, row: Row, rows: Rows) -> Any:
        key = rows.of(edge.key)
        match_column = row.entity.table.id if edge.match is None else edge.match

        def leads_here(target: Rows) -> Any:
            condition = target.of(match_column) == key
            return condition if edge.where is None else condition & target.of(edge.where())

        found = self.one(row, leads_here).correlate(rows.base)
        if edge.match is not None:
            found = found.limit(ONE)  # Only ids are known to be unique.
        return func.coalesce(found.scalar_subquery(), NULL)

    def page(self, pages: Pages, parent: Rows | None) -> Any:
        """JSON of a page, below a parent row or at the root."""
        page = self.given[pages.site.number].page
        assert page is not None
        found = _Page(self, pages, page, parent)
        return found.written()


class _Page:
    """One page of a connection, in the writing."""

    def __init__(self, writer: Writer, pages: Pages, page: Page, parent: Rows | None) -> None:
        self.writer = writer
        self.pages = pages
        self.page = page
        self.parent = parent
        self.number = pages.site.number
        self.size = literal_column(str(page.size), Integer)
        infos = {name for f in pages.fields.values() if isinstance(f, PageInfo) for name in f.fields.values()}
        self.reads_more = ("hasPreviousPage" if page.is_backward else "hasNextPage") in infos
        listed = [key for key, f in pages.fields.items() if isinstance(f, Edges)]
        # Not by response keys: these may be longer than names of columns, and `place` is one that a client may choose.
        self.names = {key: f"edges_{number}" for number, key in enumerate(listed)}
        self.columns: dict[str, Any] = {name: pages.fields[key] for key, name in self.names.items()}
        if not infos.isdisjoint({"startCursor", "endCursor"}):
            self.columns[CURSOR] = CURSOR

    def written(self) -> Any:
        if not self.columns and not self.reads_more:
            return written({key: self._field(key, field, None) for key, field in self.pages.fields.items()})
        page = self._rows().subquery("page")
        fields = {key: self._field(key, field, page) for key, field in self.pages.fields.items()}
        return select(written(fields)).select_from(page).scalar_subquery()

    def _field(self, key: str, field: Any, page: Any) -> Any:
        match field:
            case Constant():
                return field.text
            case TotalCount():
                return self._count()
            case PageInfo():
                return written({k: self._of_page_info(name, page) for k, name in field.fields.items()})
        return Joined("[", func.coalesce(self._in_order(page, page.c[self.names[key]]), literal_column("''")), "]")

    def _in_order(self, page: Any, edge: Any) -> Any:
        """The texts of the rows shown, as one."""
        if self.page.is_backward:
            shown = func.string_agg(edge, aggregate_order_by(COMMA, page.c[PLACE].desc()))
            return shown.filter(page.c[PLACE] <= self.size)
        if not self.reads_more:
            return func.string_agg(edge, COMMA)
        listed = func.array_agg(edge, type_=ARRAY(Text))[ONE : self.size]
        return func.array_to_string(listed, COMMA)

    def _of_page_info(self, name: str, page: Any) -> Any:
        last = func.least(func.count(), self.size)
        first = func.least(last, ONE)
        beginning, end = (last, first) if self.page.is_backward else (first, last)
        match name:
            case "__typename":
                return '"PageInfo"'
            case "startCursor":
                return func.coalesce(self._cursor_at(page, beginning), NULL)
            case "endCursor":
                return func.coalesce(self._cursor_at(page, end), NULL)
        if (name == "hasPreviousPage") is self.page.is_backward:
            return cast(func.count() > self.size, Text)
        return "true" if self.page.bound is not None else "false"

    def _cursor_at(self, page: Any, place: Any) -> Any:
        """The cursor at a place, counted from 1; null at 0, where an array has nothing. Of ids only one is written."""
        if self.page.order.by is not None:
            return func.array_agg(page.c[CURSOR], type_=ARRAY(Text))[place]
        key = func.array_agg(page.c[CURSOR], type_=ARRAY(Uuid))[place]
        return Joined(f'"{self.page.order_name}:', cast(key, Text), '"')

    def _rows(self) -> Any:
        """The rows of the page in its order, with one more where that is asked for."""
        rows, statement = self._target()
        order = [rows.of(column) for column in ordering(self.pages.many, self.page)]
        columns = [self._column(part, rows).label(name) for name, part in self.columns.items()]
        if self.page.is_backward:
            columns.append(func.row_number().over(order_by=order).label(PLACE))
        limit = literal_column(str(self.page.size + self.reads_more), Integer)
        statement = statement.add_columns(*(columns or [ONE])).where(*self._conditions(rows))
        return statement.order_by(*order).limit(limit)

    def _column(self, part: Any, rows: Rows) -> Any:
        if part == CURSOR:
            return rows.id if self.page.order.by is None else cursor(self.page, rows)
        entity = self.pages.entity
        fields = {k: self._of_edge(field, rows, entity) for k, field in part.fields.items()}
        return written(fields)

    def _of_edge(self, field: Any, rows: Rows, entity: Entity) -> Any:
        if isinstance(field, Row):
            return self.writer.object(field.fields, rows, entity)
        return field.text if isinstance(field, Constant) else cursor(self.page, rows)

    def _target(self) -> tuple[Rows, Any]:
        """The list's rows that the viewer may see, below the parent."""
        many, entity = self.pages.many, self.pages.entity
        rows = self.writer.rows(entity, many)
        source = rows.base
        if many.through is not None:
            source = source.join(rows.through, rows.of(many.through.joins(entity.table)))
        visible = rows.of((many.visible or entity.visible)(self.writer.shape))
        statement = select().select_from(source)
        if many.on is None:
            return rows, statement.where(visible)
        assert self.parent is not None
        # A list's own predicate, such as of one's orders in a market, names few rows by a column that has an index.
        is_narrow = many.visible is not None and many.through is None
        on = rows.of(many.on)
        if not is_narrow:
            visible = _filtering(_hoisted(visible, on, self.parent))
        return rows, statement.where(on == self.parent.id, visible).correlate(self.parent.base)

    def _conditions(self, rows: Rows) -> list[Any]:
        """Those of the filter, then that of the cursor."""
        return [rows.of(condition) for condition in renamed(self.writer.given[self.number], self.number)]

    def _count(self) -> Any:
        rows, statement = self._target()
        statement = statement.where(*self._conditions(rows)[: self.writer.given[self.number].filters])
        return cast(statement.add_columns(func.count()).scalar_subquery(), Text)


def _hoisted(visible: Any, on: Any, parent: Rows) -> Any:
    """A predicate whose terms over nothing but the parent are asked once for each parent, and not for each row.

    One may see all members of a community that one administers: whether one does is a matter of the community.
    """
    terms = visible.clauses if getattr(visible, "operator", None) is or_operator else [visible]
    of_parent, of_row = [], []
    for term in terms:
        columns = [element for element in visitors.iterate(term) if getattr(element, "table", None) is not None]
        if len(columns) == 1 and columns[0] is on:
            said = visitors.replacement_traverse(term, {}, lambda element, **_: parent.id if element is on else None)
            of_parent.append(select(said).correlate(parent.base).scalar_subquery())
        else:
            of_row.append(term)
    return or_(*of_parent, *of_row) if of_parent else visible


def _filtering(visible: Any) -> Any:
    """A predicate that finds no rows, as these are found below their parent, but only filters them.

    Whom one may see depends on the parent, which the planner does not know: guessing that few are seen, it would sort
    all there are instead of reading a page in the order of an index.
    """
    return visible if visible.compare(true()) else case((visible, true()), else_=false())


def cursor(page: Page, rows: Rows) -> Any:
    """JSON of a row's cursor; the same text as `connections.encode_cursor`."""
    if page.order.by is None:
        return Joined(f'"{page.order_name}:', cast(rows.id, Text), '"')
    text = Joined(f"{page.order_name}:", cast(rows.id, Text), ":", rows.of(page.order.by))
    return cast(func.to_json(text), Text)


def written(fields: Mapping[str, Any]) -> Any:
    """A JSON object of texts and expressions by key."""
    parts: list[Any] = ["{"]
    for number, (key, part) in enumerate(fields.items()):
        parts += [("," if number else "") + f'"{key}":', part]
    return Joined(*parts, "}")
