"""Words: declared once, found by their text, stored in their form, and refused where nobody declared them."""

import pickle

import pytest
from sqlalchemy.dialects import postgresql

from domain.kernel.vocabularies import Word, WordType


class Colour(Word):
    """Colours, for these tests."""

    is_warm: bool = False


RED = Colour("RED", "As a rose.", is_warm=True)
DARK_BLUE = Colour("DARK_BLUE", "As the sea.")


def test_a_word_is_its_text_with_facts() -> None:
    assert (RED, RED.value, RED.name, RED.description, RED.is_warm) == ("RED", "RED", "RED", "As a rose.", True)
    assert DARK_BLUE.is_warm is False


def test_a_word_is_found_by_its_text() -> None:
    assert Colour("RED") is RED
    assert list(Colour) == [RED, DARK_BLUE]
    assert len(Colour) == 2
    assert "RED" in Colour
    assert "GREEN" not in Colour
    assert pickle.loads(pickle.dumps(RED)) is RED


@pytest.mark.parametrize("word", ["GREEN", "red", ""])
def test_what_nobody_declared_is_no_word(word: str) -> None:
    with pytest.raises(ValueError, match="is no Colour"):
        Colour(word)


@pytest.mark.parametrize("word", ["RED", "red", "DARK BLUE", "1ST", "DARK__BLUE", "RED'"])
def test_a_word_is_declared_once_and_in_its_form(word: str) -> None:
    with pytest.raises(ValueError, match="declared twice or has another form"):
        Colour(word, "Again.")


def test_a_column_takes_and_gives_words_alone() -> None:
    column, dialect = WordType(Colour), postgresql.dialect()  # type: ignore[no-untyped-call]

    assert column.process_bind_param("RED", dialect) == "RED"
    assert column.process_result_value("RED", dialect) is RED
    assert column.process_bind_param(None, dialect) is None
    with pytest.raises(ValueError, match="is no Colour"):
        column.process_bind_param("GREEN", dialect)
