"""Random values of arguments, written as literals or as variables."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    get_named_type,
    get_nullable_type,
)

from api.engine.declarations import ENTITIES
from tests.api.engine.differential.supplies import Supplies
from tests.api.engine.rooms import READS

ABSENT: Any = object()
SIZES = (0, 1, 1, 2, 3, 3, 5, 10, 25, 60, 100)
WRONG_SIZES = (-1, 101, 2_147_483_647)
INSTANTS = (
    "2026-01-01T00:00:00Z",
    "2026-01-01T00:15:00Z",
    "2026-01-31T23:00:00Z",
    "2026-02-10T00:00:00+01:00",
    "2026-02-28T23:00:00Z",
    "2000-01-01T00:00:00.000001Z",
    "2999-12-31T23:59:59.999999-12:00",
    "0002-01-01T00:00:00Z",
)
DAYS = ("2026-01-01", "2026-02-01", "2026-02-02", "2000-01-01", "2999-12-01", "0002-01-01")
POINTS = ([10.95, 44.65], [10.9, 44.6], [11.0, 44.7], [10.95, 44.65], [9.5, 44.5], [0, 0], [200, 0], [-180, -90])
BOXES = ((10.9, 44.6, 11.0, 44.7), (10.95, 44.65, 10.95, 44.65), (-180, -90, 180, 90), (5, 5, 6, 6), (6, 5, 5, 6))
PAGE = ("first", "last", "after", "before")


class Arguments:
    """Chooses the arguments of fields, and keeps the variables of one operation."""

    def __init__(self, random: Random, supplies: Supplies) -> None:
        self.random = random
        self.supplies = supplies
        self.definitions: dict[str, str] = {}
        self.values: dict[str, Any] = {}
        self.targets: list[str] = []  # Entities that the ids of the last field name.

    def of(self, parent: str, name: str, field: GraphQLField, rows_max: int) -> tuple[str, int]:
        """The arguments of a field in parentheses, or nothing; and how many rows it returns at most."""
        self.targets = []
        chosen = {key: self._choose(key, argument, rows_max) for key, argument in field.args.items()}
        rows = 1
        if "first" in field.args:
            chosen |= self._page(f"{parent}.{name}", chosen.get("orderBy"), rows_max)
            sizes = [size for size in (chosen["first"], chosen["last"]) if isinstance(size, int)]
            rows = max([*sizes, 1]) if sizes else 25
        elif isinstance(chosen.get("ids"), list):
            rows = len(chosen["ids"]) or 1
        keys = list(field.args)
        self.random.shuffle(keys)
        written = [(key, self._written(chosen[key], field.args[key])) for key in keys]
        parts = [f"{key}: {text}" for key, text in written if text]
        return (f"({', '.join(parts)})" if parts else ""), rows

    def condition(self) -> str:
        """A Boolean for @skip and @include."""
        value = self.random.random() < 0.5
        if self.random.random() < 0.4:
            return json.dumps(value)
        if self.random.random() < 0.3:
            return self._define("Boolean", value, json.dumps(value), "default")
        return self._define("Boolean!", value, None, "given")

    def _page(self, path: str, order: Any, rows_max: int) -> dict[str, Any]:
        random = self.random
        sizes = [size for size in SIZES if size <= rows_max]
        size: Any = random.choice(sizes) if random.random() > 0.004 else random.choice(WRONG_SIZES)
        order_name = None if order in (ABSENT, None) else order
        cursor: Any = self.supplies.cursor(random, path, order_name) if random.random() < 0.45 else ABSENT
        page = dict.fromkeys(PAGE, ABSENT)
        shape = random.random()
        if shape < 0.005:  # Arguments that contradict each other.
            return page | {"first": size, "last": size, "after": cursor, "before": cursor}
        if shape < 0.2 and rows_max >= 25:
            return page | random.choice([{"after": cursor}, {"before": cursor}, {"first": None, "after": cursor}])
        backward = random.random() < 0.35
        return page | ({"last": size, "before": cursor} if backward else {"first": size, "after": cursor})

    def _choose(self, name: str, argument: GraphQLArgument, rows_max: int) -> Any:
        optional = not isinstance(argument.type, GraphQLNonNull)
        if name in PAGE or (optional and self.random.random() < 0.4):
            return ABSENT
        if optional and self.random.random() < 0.08:
            return None
        if name == "ids":
            count = self.random.randint(0, max(1, min(6, rows_max)))
            return [self._id(None) for _ in range(count)]
        return self._value(name, argument.type)

    def _value(self, name: str, kind: GraphQLInputType) -> Any:
        inner: Any = get_nullable_type(kind)
        if isinstance(inner, GraphQLList):
            return [self._value(name, inner.of_type) for _ in range(self.random.randint(0, 3))]
        if isinstance(inner, GraphQLEnumType):
            return self.random.choice(list(inner.values))
        if name in SPECIAL:
            return SPECIAL[name](self)
        if name in CHOICES:
            return self.random.choice(CHOICES[name])
        if isinstance(inner, GraphQLInputObjectType):
            return self._object(inner)
        return SCALAR[inner.name](self, name)

    def _object(self, kind: GraphQLInputObjectType) -> dict[str, Any]:
        """Half of the fields; a filter of all of them would match nothing."""
        found: dict[str, Any] = {}
        for name, field in kind.fields.items():
            if self.random.random() < 0.35:
                found[name] = None if self.random.random() < 0.1 else self._value(name, field.type)
        return found

    def _id(self, entity: str | None) -> str:
        id = self.supplies.id(self.random, entity)
        self.targets.append(id.partition(":")[0])
        return id

    def _period(self) -> dict[str, str]:
        start, end = self.random.choice(INSTANTS), self.random.choice(INSTANTS)
        if self.random.random() < 0.97:
            start, end = sorted((start, end), key=lambda text: text.replace("Z", ""))
        return {"start": start, "end": end}

    def _box(self) -> dict[str, float]:
        edges = self.random.choice(BOXES)
        return dict(zip(("minLon", "minLat", "maxLon", "maxLat"), edges, strict=True))

    def _point(self) -> dict[str, Any]:
        return {"type": "Point", "coordinates": self.random.choice(POINTS)}

    def _written(self, value: Any, place: GraphQLArgument | GraphQLInputField) -> str:
        """The text of a value; none for a value that is left out."""
        random, nullable = self.random, not isinstance(place.type, GraphQLNonNull)
        if value is ABSENT or (value is None and not nullable):  # A size that may not be null has a default.
            # A variable that nobody gives is as good as no argument.
            return self._define(str(place.type), None, None, "absent") if nullable and random.random() < 0.05 else ""
        if random.random() < 0.3:
            return self._variable(value, place.type)
        return self._literal(value, place.type)

    def _variable(self, value: Any, kind: GraphQLInputType) -> str:
        nullable, text = not isinstance(kind, GraphQLNonNull), str(kind)
        if value is None:
            return self._define(text, None, self.random.choice([None, "null"]), "given")
        constant = self._constant(value, kind)
        way = self.random.choice(["given", "given", "default", "overridden"])
        if way == "given":
            return self._define(text if text.endswith("!") else text + self.random.choice(["", "!"]), value, None, way)
        other = "null" if nullable and way == "overridden" and self.random.random() < 0.5 else constant
        return self._define(text, value, other, way)

    def _define(self, kind: str, value: Any, default: str | None, way: str) -> str:
        """A variable of a type: a new one, or at times one that has the same type and value."""
        definition = f"{kind} = {default}" if default is not None else kind
        is_given = way not in {"default", "absent"}
        for name, text in self.definitions.items():
            same = text == definition and self.values.get(name, ABSENT) == (value if is_given else ABSENT)
            if same and type(self.values.get(name)) is type(value) and self.random.random() < 0.5:
                return f"${name}"
        name = f"v{len(self.definitions)}"
        self.definitions[name] = definition
        if is_given:
            self.values[name] = value
        return f"${name}"

    def _literal(self, value: Any, kind: GraphQLInputType) -> str:
        """The value as a literal, with variables inside at times."""
        inner: Any = get_nullable_type(kind)
        if isinstance(value, dict) and isinstance(inner, GraphQLInputObjectType):
            fields = [(name, self._written(item, inner.fields[name])) for name, item in value.items()]
            return f"{{{', '.join(f'{name}: {text}' for name, text in fields if text)}}}"
        if isinstance(value, list) and isinstance(inner, GraphQLList):
            return f"[{', '.join(self._item(item, inner.of_type) for item in value)}]"
        return self._constant(value, kind)

    def _item(self, value: Any, kind: GraphQLInputType) -> str:
        if self.random.random() < 0.15 and value is not None:
            return self._define(f"{get_named_type(kind)}!", value, None, "given")
        return self._literal(value, kind)

    def _constant(self, value: Any, kind: Any) -> str:
        """The value as a literal without variables."""
        named = get_named_type(kind)
        if isinstance(value, dict):
            fields = getattr(named, "fields", {})
            inner = {name: fields[name].type if name in fields else None for name in value}
            return f"{{{', '.join(f'{name}: {self._constant(item, inner[name])}' for name, item in value.items())}}}"
        if isinstance(value, list):
            return f"[{', '.join(self._constant(item, named) for item in value)}]"
        if isinstance(named, GraphQLEnumType) and isinstance(value, str):
            return value
        return json.dumps(value, ensure_ascii=self.random.random() < 0.3) if value is not Undefined else "null"


def _entity_meant(name: str) -> str | None:
    """The entity whose id an argument is by its name: SubstationArea for `substationAreaId`."""
    entity = f"{name[:1].upper()}{name[1:].removesuffix('Id')}"
    return entity if entity in ENTITIES else None


SPECIAL: dict[str, Callable[[Arguments], Any]] = {
    "period": Arguments._period,
    "delivery": Arguments._period,
    "bbox": Arguments._box,
    "point": Arguments._point,
    "timezone": lambda these: these.random.choice(["UTC", "Europe/Rome", "America/St_Johns", "Nowhere"]),
}
CHOICES: dict[str, Sequence[Any]] = {name: some for reads in READS.values() for name, some in reads.choices.items()}
SCALAR: dict[str, Callable[[Arguments, str], Any]] = {
    "ID": lambda these, name: these._id(_entity_meant(name)),
    "String": lambda these, name: these.supplies.text(these.random, name),
    "DateTime": lambda these, name: these.random.choice(INSTANTS),
    "Date": lambda these, name: these.random.choice(DAYS),
    "Boolean": lambda these, name: these.random.random() < 0.5,
    "Int": lambda these, name: these.random.choice([0, 1, 3, 100]),
}
