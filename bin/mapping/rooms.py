"""The list of rooms in docs/map.md: each room of `api.house.ROOMS` with the first line of its docstring."""

from collections.abc import Iterator
from itertools import chain

from bin.mapping import ROOT, cell, docstring, rungs

PAGE = ROOT / "docs" / "map.md"
BEGIN, END = "<!-- Rooms: written by bin/maps. -->", "<!-- End of rooms. -->"


def page() -> str:
    """The page with the list as it is to be."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{PAGE} has no list of rooms between its marks"
    return f"{before}{BEGIN}\n\n" + "\n".join(_rows()) + f"\n\n{END}{after}"


def _rows() -> Iterator[str]:
    yield "| room | what it is about |"
    yield "|---|---|"
    for room in chain.from_iterable(rungs()):
        place = room.replace(".", "/")
        layer = next(layer for layer in ("domain", "api") if (ROOT / layer / place / "__init__.py").exists())
        first_line = docstring(ROOT / layer / place / "__init__.py").partition("\n")[0]
        yield f"| [{room}](../{layer}/{place}) | {cell(first_line)} |"
