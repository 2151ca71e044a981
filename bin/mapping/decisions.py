"""docs/decisions.md: the dated decisions in docstrings, each with its first sentence and where the rest stands.

A decision is written where it governs, in the docstring of a package or module: "Decision, 2026-11-20: ids are ...".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bin.mapping import ROOT, cell, docstring

PAGE = ROOT / "docs" / "decisions.md"
LAYERS = ("api", "domain", "solver")
WRITTEN = re.compile(r"\bDecision, (\d{4}-\d\d-\d\d): (.+?\.)(?=\s+[A-Z`(]|\s*$)", re.DOTALL)
HEAD = """\
# Decisions

What would be costly to undo, as it was decided. Each stands, with its reasons and what else was weighed, in the
docstring of what it governs. Written by `bin/maps`; do not edit.

| date | decision | where |
|---|---|---|
"""


@dataclass(frozen=True, order=True)
class Decision:
    """A decision: its date, the file it stands in, its place there, and its first sentence."""

    date: str
    file: str
    place: int
    sentence: str


def decisions() -> Iterator[Decision]:
    """All of them."""
    for layer in LAYERS:
        for module in (ROOT / layer).rglob("*.py"):
            for place, (date, sentence) in enumerate(written(docstring(module))):
                yield Decision(date, module.relative_to(ROOT).as_posix(), place, sentence)


def written(text: str) -> list[tuple[str, str]]:
    """Date and first sentence of each decision in a docstring."""
    paragraphs = text.split("\n\n")
    found = [match for paragraph in paragraphs for match in WRITTEN.findall(paragraph)]
    return [(date, " ".join(sentence.split())) for date, sentence in found]


def page() -> str:
    """The page as it is to be, earliest first."""
    rows = (f"| {each.date} | {cell(_begun(each.sentence))} | {_link(each.file)} |" for each in sorted(decisions()))
    return HEAD + "\n".join(rows) + "\n"


def _begun(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _link(file: str) -> str:
    name = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f"[{name}](../{file})"
