"""Enums and vocabularies of the domain as GraphQL enums, with a description of each value."""

from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from domain.kernel.vocabularies import Word

E = TypeVar("E", bound=type[Enum])


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


class Offered(StrawberryEnumDefinition):
    """A vocabulary as an enum of GraphQL: its values are the words that are declared when a schema is made."""

    def __init__(self, vocabulary: type[Word], description: str) -> None:
        self.vocabulary = vocabulary
        super().__init__(vocabulary, vocabulary.__name__, [], description)  # type: ignore[arg-type]

    @property
    def values(self) -> list[EnumValue]:
        """A value for each word."""
        return [EnumValue(word.name, word, description=word.description) for word in self.vocabulary]

    @values.setter
    def values(self, _: list[EnumValue]) -> None:
        """Words are declared, never set."""


def offer(vocabulary: type[Word], description: str) -> None:
    """Offer a vocabulary over GraphQL."""
    vocabulary.__strawberry_definition__ = Offered(vocabulary, description)  # type: ignore[attr-defined]
