"""What rooms tell the engine's tests of their tables and fields: `tall.py` and `reads.py` of each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Viewers for whom plans are made (`test_indexes`).
ROOT = frozenset({"platform administrator"})
EVERYBODY = frozenset({"nobody", "outsider", "member", "administrator"}) | ROOT

# Why a field is not compiled.
IN_PYTHON = "it is computed in Python"
NARROWER = "a non-null edge needs a target that everybody may see"
MAYBE_NULL = "a non-null field needs an expression that is provably not null"


@dataclass(frozen=True, kw_only=True)
class Tall:
    """How a room's tables look after years.

    fixed: rows of tables whose size is fixed by the grid, by law or by the state; all others grow with use.
    values: what the schema alone does not tell, by "table.column": values that checks and unique keys ask for, as SQL
    in which `n` counts rows from 0. below: how many rows below one parent, by the column that leads to it, where it is
    not a few. touched: tables of no entity that reads touch.
    walked: lists that an index only gives in order, and who sees every row of them, or every second one: a page is full
    soon. walked_when_whole: the same for everybody once a million rows are there, and not only told of.
    cost_max: of lists that are dearer to the planner than they are, how dear.
    """

    fixed: Mapping[str, int] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    below: Mapping[str, int] = field(default_factory=dict)
    touched: Sequence[Any] = ()
    walked: Mapping[str, Collection[str]] = field(default_factory=dict)
    walked_when_whole: frozenset[str] = frozenset()
    cost_max: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Reads:
    """How a room's fields are read.

    not_compiled: fields that the compiled path leaves to the ordinary one, with the reason.
    kept: columns, as "table.column", that hold no odd values: they say who sees what, Python reads them as something
    else than text, or a product keeps them in bounds.
    names, codes: columns whose texts conditions on a name or a code look for. choices: values of an argument by its
    name, where its type does not tell. seldom: fields that random operations ask for seldom, as they take long.
    """

    not_compiled: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()
    names: Sequence[Any] = ()
    codes: Sequence[Any] = ()
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    seldom: frozenset[str] = frozenset()
