"""Catalogues: what wordings are in the languages of people, from the `.po` files beside this module.

English is the language of the code, and its texts are the ids of all others. `bin/catalogues` brings the files to what
rooms declare; what is missing or changed waits there to be translated, and a test asks for it.
"""

from collections.abc import Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from domain.events.notices import NoticeKind, Saying, Wording
from domain.identity.tables import Language

TRANSLATED = tuple(language for language in Language if language is not Language.EN)


def file_of(language: Language) -> Path:
    """Where a catalogue is."""
    return Path(__file__).with_name(f"{language.value.lower()}.po")


def read(language: Language) -> Catalog:
    """A catalogue as it is written."""
    with file_of(language).open("rb") as file:
        return read_po(file, locale=language.value.lower(), abort_invalid=True)


@cache
def of(language: Language) -> NullTranslations:
    """What translates into a language."""
    if language is Language.EN:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, read(language))
    compiled.seek(0)
    return GNUTranslations(compiled)


def sayings(wording: Wording) -> Iterator[Saying]:
    """All sentences of a wording."""
    for alternatives in (wording.title, *wording.body):
        for each in alternatives:
            yield each if isinstance(each, Saying) else Saying(each)


def declared() -> Catalog:
    """What rooms declare, as a catalogue without translations."""
    catalogue = Catalog(charset="utf-8", header_comment="")
    for kind in [NoticeKind, *sorted(NoticeKind)]:
        for saying in sayings(kind.wording):
            if saying.text:
                catalogue.add(saying.text if saying.many is None else (saying.text, saying.many))
        for fact, names in kind.wording.names.items():
            for name in names.values():
                catalogue.add(name, context=fact)
    return catalogue
