"""Texts of messages, rendered from the facts of a notice.

A wording is a title and a body of parts. Each part has alternatives, the fullest first: the first one that fits the
facts, and whose places can all be filled, is taken, and the last one needs none.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.events.notices import Alternatives, NoticeKind, Saying
from domain.notifications.telling import catalogues
from domain.notifications.telling.formats import Format, line

PLACE = re.compile(r"{(\w+)}")
CODE = re.compile(r"[A-Z][A-Z0-9_]+")
PLAIN = Format()


@dataclass(frozen=True, slots=True)
class Text:
    """A title of one line, and a body of whole sentences."""

    title: str
    body: str


def render(kind: NoticeKind, facts: Mapping[str, Any], format: Format = PLAIN) -> Text:
    """The text of a notice; facts that are missing or malformed are left out."""
    told = _Telling(kind, {**_implied(facts), **facts}, format)
    parts = [told.first(part) for part in kind.wording.body]
    return Text(_sentence(told.first(kind.wording.title)), " ".join(_sentence(part) for part in parts if part))


def _implied(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Which way money goes, so that words can say it beside its sign."""
    amount = facts.get("amount_ueur")
    return {"money": "in" if amount > 0 else "out"} if type(amount) is int and amount else {}


@dataclass(frozen=True, slots=True)
class _Telling:
    kind: NoticeKind
    facts: Mapping[str, Any]
    format: Format

    def first(self, alternatives: Alternatives) -> str:
        """The first alternative that can be said in full."""
        for each in alternatives:
            said = self._said(each if isinstance(each, Saying) else Saying(each))
            if said is not None:
                return said
        raise AssertionError(f"the last alternative needs no facts: {alternatives}")

    def _said(self, saying: Saying) -> str | None:
        count = self.facts.get(saying.by)
        fits = all(self.facts.get(name) == value for name, value in saying.when.items())
        if not fits or (saying.many is not None and (type(count) is not int or not count)):
            return None
        shown = {name: self._shown(name) for name in PLACE.findall(saying.text + (saying.many or ""))}
        if not all(shown.values()):
            return None
        return PLACE.sub(lambda place: str(shown[place.group(1)]), self._translated(saying, count))

    def _translated(self, saying: Saying, count: Any) -> str:
        translations = catalogues.of(self.format.language)
        if saying.many is None:
            return translations.gettext(saying.text) if saying.text else ""  # gettext keeps its header under "".
        return translations.ngettext(saying.text, saying.many, count)

    def _shown(self, name: str) -> str | None:
        names = self.kind.wording.names.get(name)
        if names is None:
            return self.format.shown(name, self.facts)
        value = self.facts.get(name)
        called = names.get(value) if isinstance(value, str) else None
        return _unnamed(value) if called is None else catalogues.of(self.format.language).pgettext(name, called)


def _unnamed(value: Any) -> str | None:
    """A text that somebody else wrote; a code that nobody has named, in small letters."""
    shown = line(value)
    return shown.lower().replace("_", " ") if shown and CODE.fullmatch(shown) else shown


def _sentence(text: str) -> str:
    return re.sub(r"([.!?])\.$", r"\1", text[:1].upper() + text[1:])
