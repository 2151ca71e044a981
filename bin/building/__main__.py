"""Lay down a slice that runs, is registered and has its tests waiting.

bin/new room tenders Tender                         a room on top of the house, with its first entity
bin/new entity grid WindFarm                        table, who sees it, type, migration, factory
bin/new mutation grid closeWindFarm WindFarmBusy    on an entity of the room, with the refusal of its rule
bin/new job grid FORECAST_WIND                      a kind of job and what carries it out

Then fill in what says FILL IN, and what the tests of the house ask for by name: who sees the rows, bad input.
"""

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bin.building import slices
from bin.building.laying import tidy
from bin.mapping import ROOT

SLICES: dict[str, tuple[Callable[..., list[Path]], int]] = {  # With how many names each takes.
    "room": (slices.room, 2),
    "entity": (slices.entity, 2),
    "mutation": (slices.mutation, 3),
    "job": (slices.job, 2),
}
NAME = re.compile(r"[A-Za-z]\w*(\.[a-z]\w*)?")
NEXT = """Next: bin/commonwatt export-schema > schema.graphql; bin/maps; python -m tests.api.test_hostile, which writes
docs/bad-input.md; a line in CHANGELOG.md; then bin/check."""


def main(arguments: Sequence[str]) -> int:
    kind, *names = arguments or ["--help"]
    if kind not in SLICES or len(names) != SLICES[kind][1]:
        print(__doc__)
        return 0 if kind in ("-h", "--help") else 2
    if odd := [name for name in names if not NAME.fullmatch(name)]:
        print(f"new: {odd[0]!r} is no name: letters, digits and underscores", file=sys.stderr)
        return 1
    lay_down, _ = SLICES[kind]
    try:
        laid = lay_down(*names)
    except slices.CannotBuild as reason:
        print(f"new: {reason}", file=sys.stderr)
        return 1
    tidy(laid)
    print(*sorted({str(file.relative_to(ROOT)) for file in laid}), NEXT, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
