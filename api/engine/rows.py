"""One appearance of a table in a statement: expressions over the declared table, said of an alias of it."""

from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql import visitors
from sqlalchemy.sql.util import _deep_deannotate


class Rows:
    """Rows of an entity's table, or of a sub-select that stands for it, with the table they are reached through."""

    def __init__(self, name: str, table: Any, source: Any = None, through: Any = None) -> None:
        self.base = _from(table if source is None else source).alias(name)
        self.of_table = {_from(table): self.base}
        if source is not None:
            self.of_table[source] = self.base
        if through is not None:
            self.through = _from(through).alias(f"{name}_through")
            self.of_table[_from(through)] = self.through

    def of(self, expression: Any) -> Any:
        """An expression over the tables as one over this appearance of them."""
        plain = expression.__clause_element__() if hasattr(expression, "__clause_element__") else expression
        return visitors.replacement_traverse(_deep_deannotate(plain), {}, self._replaced)

    def _replaced(self, element: Any, **_: Any) -> Any:
        is_column = isinstance(element, Column) or hasattr(element, "table")
        alias = self.of_table.get(element.table) if is_column else None
        return None if alias is None else alias.c[element.key]

    @property
    def id(self) -> Any:
        return self.base.c.id


def _from(table: Any) -> Any:
    """The table of a mapped class; sub-selects stand for themselves."""
    return getattr(table, "__table__", table)
