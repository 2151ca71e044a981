"""Enums and vocabularies of the domain as GraphQL enums, with a description of each value."""

from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from domain.kernel.vocabularies import Word

E = TypeVar("E", bound=type[Enum])
VOCABULARIES: list[type[Word]] = []


def describe(kind: E, description: str, **values: str) -> E:
    """Offer an enum over GraphQL; every value needs its sentence. Raises KeyError for one that has none.

    A type that shows the enum may have been declared before: then what Strawberry knows of it gets its sentences.
    """
    known = strawberry.enum(kind) if "__strawberry_definition__" not in vars(kind) else kind
    definition: Any = known.__strawberry_definition__  # type: ignore[attr-defined]
    definition.description = description
    for value in definition.values:
        value.description = values[value.name]
    return kind


def offer(vocabulary: type[Word], description: str) -> None:
    """Offer a vocabulary over GraphQL as an enum; its values are the words that were declared when `fill` is called."""
    definition = StrawberryEnumDefinition(vocabulary, vocabulary.__name__, [], description)  # type: ignore[arg-type]
    vocabulary.__strawberry_definition__ = definition  # type: ignore[attr-defined]
    VOCABULARIES.append(vocabulary)


def fill() -> None:
    """Give each vocabulary the words that rooms have declared."""
    for vocabulary in VOCABULARIES:
        values = [EnumValue(word.name, word, description=word.description) for word in vocabulary]
        vocabulary.__strawberry_definition__.values[:] = values  # type: ignore[attr-defined]
