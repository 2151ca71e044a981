"""Give a room its place: in `api.house.ROOMS` and in the import contracts, on top of those that are there.

Whoever has a better place for it moves the lines down.
"""

import re

from bin.mapping import ROOT

LAYERS = r"containers = \[{}\]\nexhaustive = true\nlayers = \[\n"
PROCESSES = r'(?:  "[^"]*(?:serving|processes)[^"]*",\n)*'
HOUSE, CONTRACTS = ROOT / "api" / "house.py", ROOT / "pyproject.toml"


def add(room: str) -> None:
    """`tenders` on top of the house, below the processes; `market.tenders` on top of the market."""
    top, _, name = room.rpartition(".")
    _add_to_house(room, top)
    if top:
        _add_layer(LAYERS.format(f'"domain.{top}", "api.{top}"'), name)
    else:
        _add_layer(LAYERS.format('"domain"'), name)
        _add_layer(LAYERS.format('"api"') + PROCESSES, name)


def _add_to_house(room: str, top: str) -> None:
    before, begin, rest = HOUSE.read_text().partition("ROOMS = (\n")
    listed, end, after = rest.partition("\n)\n")
    lines = listed.split("\n")
    last = max(number for number, line in enumerate(lines) if f'"{top}.' in line or not top)
    lines.insert(last + 1, f'    "{room}",')
    HOUSE.write_text(before + begin + "\n".join(lines) + end + after)


def _add_layer(layers: str, name: str) -> None:
    text = CONTRACTS.read_text()
    place = re.search(layers, text)
    assert place, f"pyproject.toml has no layers like {layers}"
    CONTRACTS.write_text(f'{text[: place.end()]}  "{name}",\n{text[place.end() :]}')
