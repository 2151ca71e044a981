"""Bring the catalogues of messages to what rooms declare: what is gone goes, what is new waits to be translated."""

import sys
from datetime import UTC, datetime
from io import BytesIO

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import write_po

from domain.identity.tables import Language
from domain.notifications.telling import catalogues

STANDING = datetime(2026, 11, 30, tzinfo=UTC)  # In place of dates, by which files would differ that say the same.


def written(language: Language) -> bytes:
    """A catalogue as its file should be."""
    catalogue = catalogues.read(language) if catalogues.file_of(language).exists() else Catalog()
    brought = Catalog(
        language.value.lower(),
        project="Commonwatt",
        version="1",
        header_comment="",
        msgid_bugs_address="none",
        last_translator="Commonwatt",
        language_team="Commonwatt",
        creation_date=STANDING,
        revision_date=STANDING,
        charset="utf-8",
        fuzzy=False,
    )
    for message in catalogue:
        if message.id:
            brought.add(message.id, message.string, context=message.context)
    brought.update(catalogues.declared(), no_fuzzy_matching=True, update_creation_date=False)
    brought.obsolete.clear()
    file = BytesIO()
    write_po(file, brought, width=110, no_location=True)
    return file.getvalue()


def main() -> int:
    """Write all catalogues; 1 where something waits to be translated."""
    waiting = 0
    for language in catalogues.TRANSLATED:
        catalogues.file_of(language).write_bytes(written(language))
        missing = [message.id for message in catalogues.read(language) if message.id and not _is_translated(message)]
        waiting += len(missing)
        print(f"{language.value}: {len(missing)} to translate", *missing, sep="\n  ")
    return int(bool(waiting))


def _is_translated(message: Message) -> bool:
    strings = message.string if isinstance(message.string, tuple | list) else [message.string]
    return bool(strings) and all(strings) and not message.fuzzy


if __name__ == "__main__":
    sys.exit(main())
