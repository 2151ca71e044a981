"""A name in all its forms: WindFarm, wind_farm, wind_farms, WIND_FARM, "a wind farm"."""

import re
from collections.abc import Sequence

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+")


def words_of(name: str) -> list[str]:
    """The words of `WindFarm`, `windFarm`, `wind_farm` or `WIND_FARM`."""
    return [word.lower() for word in WORD.findall(name)]


def pascal(words: Sequence[str]) -> str:
    return "".join(word.capitalize() for word in words)


def camel(words: Sequence[str]) -> str:
    return words[0] + pascal(words[1:])


def snake(words: Sequence[str]) -> str:
    return "_".join(words)


def plural(words: Sequence[str]) -> list[str]:
    """The words for several; irregular ones are corrected by hand."""
    *before, last = words
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return [*before, f"{last[:-1]}ies"]
    return [*before, f"{last}es" if last.endswith(("s", "x", "ch", "sh")) else f"{last}s"]


def with_article(words: Sequence[str]) -> str:
    return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"
