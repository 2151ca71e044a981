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

ROOM, ENTITY, FIELD, WORD = r"[a-z]+(\.[a-z]+)?", r"([A-Z][a-z0-9]+)+", r"[a-z]+([A-Z][a-z0-9]+)*", r"[A-Z]+(_[A-Z]+)*"
SLICES: dict[str, tuple[Callable[..., list[Path]], tuple[str, ...]]] = {  # With the form of each name.
    "room": (slices.room, (ROOM, ENTITY)),
    "entity": (slices.entity, (ROOM, ENTITY)),
    "mutation": (slices.mutation, (ROOM, FIELD, ENTITY)),
    "job": (slices.job, (ROOM, WORD)),
}
NEXT = """Next: bin/commonwatt export-schema > schema.graphql; bin/maps; python -m tests.api.test_hostile, which writes
docs/bad-input.md; a line in CHANGELOG.md; then bin/check."""


def main(arguments: Sequence[str]) -> int:
    kind, *names = arguments or ["--help"]
    lay_down, forms = SLICES.get(kind, (None, ()))
    if lay_down is None or len(names) != len(forms):
        print(__doc__)
        return 0 if kind in ("-h", "--help") else 2
    for name, form in zip(names, forms, strict=True):
        if not re.fullmatch(form, name):
            print(f"new: {name!r} has not the form of its example", __doc__, sep="\n\n", file=sys.stderr)
            return 2
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
