"""Vocabularies that grow by room: kinds of job and of notice, codes of refusals.

An enum would have to list on a low rung what higher rooms do. Here a vocabulary is a class on the low rung, and each of
its words is declared once by the room that owns it, kinds of job and of notice in its `words.py`:

    class JobKind(Word): ...
    CLEAR_MARKET = JobKind("CLEAR_MARKET", "Clears the open orders of linked markets.")

Whoever looks a word up or counts them first lets all rooms of the domain declare theirs.

Decision, 2026-11-30: the database checks the form of a word and not which words there are, so that a new word is no
migration; whatever stores a word is typed by `WordType`, which refuses words that nobody declared.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, ClassVar, Self, cast

from sqlalchemy import CheckConstraint, Dialect, String
from sqlalchemy.types import TypeDecorator

from domain.kernel.rooms import modules_named

FORM = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")


class Vocabulary(type):
    """Makes a class of words iterable, as an enum is: its words in the order in which they were declared."""

    words: dict[str, Any]

    def __iter__(cls) -> Iterator[Any]:
        _declare()
        return iter(cls.words.values())

    def __len__(cls) -> int:
        _declare()
        return len(cls.words)

    def __contains__(cls, word: object) -> bool:
        _declare()
        return word in cls.words


class Word(str, metaclass=Vocabulary):
    """A word of a vocabulary, declared by `Kind("WORD", "What it means.", **facts)` and found by `Kind("WORD")`.

    Facts become attributes; a vocabulary gives their defaults as its own. Raises ValueError for a word that nobody
    declared, one that is declared twice, and one of another form.
    """

    words: ClassVar[dict[str, Any]]
    description: str

    def __init_subclass__(cls, **given: Any) -> None:
        super().__init_subclass__(**given)
        cls.words = {}

    def __new__(cls, word: str, description: str | None = None, **facts: Any) -> Self:
        if description is None:
            return cls._found(word)
        if word in cls.words or not FORM.fullmatch(word):
            raise ValueError(f"{cls.__name__} {word} is declared twice or has another form than WORDS_LIKE_THIS")
        made = super().__new__(cls, word)
        vars(made).update(facts, description=description)
        cls.words[word] = made
        return made

    @classmethod
    def _found(cls, word: str) -> Self:
        if word not in cls.words:
            _declare()
        if word not in cls.words:
            raise ValueError(f"{word!r} is no {cls.__name__} that a room declares")
        return cast(Self, cls.words[word])

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        return type(self), (str(self),)

    @property
    def value(self) -> str:
        """The text, as an enum's member has it."""
        return str(self)

    @property
    def name(self) -> str:
        """The text."""
        return str(self)


@cache
def _declare() -> None:
    """Import the `words.py` of every room of the domain."""
    for _ in modules_named("words"):
        pass


class WordType(TypeDecorator[Word]):
    """A column of words: text in the database, words of a vocabulary here."""

    impl = String(40)
    cache_ok = True

    def __init__(self, vocabulary: type[Word]) -> None:
        super().__init__()
        self.vocabulary = vocabulary

    def process_bind_param(self, value: Word | str | None, dialect: Dialect) -> str | None:
        return None if value is None else str(self.vocabulary(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Word | None:
        return None if value is None else self.vocabulary(value)


def word_check(column: str) -> CheckConstraint:
    """The check of a column of words: their form."""
    return CheckConstraint(word_check_text(column), name=column)


def word_check_text(column: str) -> str:
    """The condition of that check, by which the engine knows that words need no quoting."""
    return f"{column} ~ '^[A-Z0-9_]+$'"


def words_check(column: str) -> CheckConstraint:
    """The check of a column that is an array of words, and no null: the form of all of them."""
    return CheckConstraint(words_check_text(column), name=f"known_{column}")


def words_check_text(column: str) -> str:
    """The condition of that check; a null shows as what no word has."""
    return f"array_to_string({column}, '_', '?') ~ '^[A-Z0-9_]*$'"
