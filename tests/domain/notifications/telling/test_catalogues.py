"""Catalogues: everything that rooms say is said in every language, with the same facts."""

from typing import Any

import pytest
from babel.messages.catalog import Message

from bin.cataloguing import written
from domain.identity.tables import Language
from domain.notifications.telling import catalogues
from domain.notifications.telling.texts import PLACE

LANGUAGES = pytest.mark.parametrize("language", catalogues.TRANSLATED)


def texts(given: Any) -> list[str]:
    return list(given) if isinstance(given, tuple | list) else [given]


def entries(language: Language) -> dict[tuple[Any, str | None], Message]:
    return {(message.id, message.context): message for message in catalogues.read(language) if message.id}


def declared() -> list[Message]:
    return [message for message in catalogues.declared() if message.id]


@LANGUAGES
def test_a_catalogue_holds_what_rooms_declare_and_nothing_else(language: Language) -> None:
    """`bin/catalogues` brings it there."""
    assert list(entries(language)) == [(message.id, message.context) for message in declared()]


@LANGUAGES
def test_everything_is_translated_and_nothing_is_a_guess(language: Language) -> None:
    waiting = [each.id for each in entries(language).values() if each.fuzzy or not all(texts(each.string))]

    assert waiting == []


@LANGUAGES
def test_a_translation_tells_the_same_facts(language: Language) -> None:
    for message in entries(language).values():
        places = sorted(PLACE.findall(texts(message.id)[0]))
        for text in texts(message.string):
            told = sorted(PLACE.findall(text))
            assert told == places or (len(texts(message.id)) > 1 and set(told) <= {*places, "orders"}), text


@LANGUAGES
def test_a_translation_ends_as_its_sentence_does(language: Language) -> None:
    """A title has no full stop, a sentence has one."""
    for message in entries(language).values():
        ends = {text.endswith(".") for text in [*texts(message.id), *texts(message.string)]}
        assert len(ends) == 1, message.id


@LANGUAGES
def test_the_plural_forms_are_those_of_the_language(language: Language) -> None:
    forms = catalogues.read(language).num_plurals

    assert {len(texts(each.string)) for each in entries(language).values() if isinstance(each.id, tuple | list)} == {
        forms
    }


@LANGUAGES
def test_catalogues_are_written_as_they_were_read(language: Language) -> None:
    assert written(language) == catalogues.file_of(language).read_bytes()


def test_words_of_english_are_its_ids() -> None:
    assert catalogues.of(Language.EN).gettext("Price alert") == "Price alert"
    assert catalogues.of(Language.DE).gettext("Price alert") == "Preisalarm"
