"""docs/benchmarks.md, written from what the benches measured last; `python -m tests.bench.measuring.document` does so.

Each bench keeps its facts and points in docs/benchmarks/NAME.json, so that the page can be checked against them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from bin.devstack.installation import ROOT
from tests.bench.measuring.gates import Gate
from tests.bench.measuring.plots import figure

PAGE = ROOT / "docs/benchmarks.md"
KEPT = ROOT / "docs/benchmarks"
INTRODUCTION = """\
# Benchmarks

Written by `bin/bench graphql` and `bin/bench live` from the points in `docs/benchmarks/*.json`; do not edit. The load
generator, the servers and the database share one small machine, so trust ratios (medians of ratios within a round) and
processor time per request more than absolute rates. Other benches (`bin/bench`) print their own figures.
"""


def keep(name: str, facts: Mapping[str, str], points: Sequence[Mapping[str, Any]]) -> None:
    """Store what a bench measured, in place of its last results."""
    KEPT.mkdir(exist_ok=True)
    lines = [orjson.dumps(_rounded(point)).decode() for point in points]
    parts = ['{"facts": ', orjson.dumps(facts).decode(), ',\n"points": [\n', ",\n".join(lines), "\n]}\n"]
    (KEPT / f"{name}.json").write_text("".join(parts))


def _rounded(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: round(value, 4) if isinstance(value, float) else value for name, value in point.items()}


def write(kept: Path = KEPT, page: Path = PAGE) -> None:
    """Write the page and its plots from what is kept."""
    from tests.bench.graphql import report as graphql  # noqa: PLC0415 - they import this module.
    from tests.bench.live import report as live  # noqa: PLC0415

    sections = [INTRODUCTION]
    for name, report in {"graphql": graphql, "live": live}.items():
        file = kept / f"{name}.json"
        if file.exists():
            results = orjson.loads(file.read_bytes())
            sections.append(report.section(results["facts"], results["points"]))
            for picture, text in report.plots(results["points"]).items():
                (kept / picture).write_text(text)
    page.write_text("\n".join(sections))


def table(head: Sequence[str], rows: Sequence[Sequence[float | str | None]]) -> str:
    """A table of Markdown; numbers as `figure` writes them."""
    cells = [[cell if isinstance(cell, str) else figure(cell) for cell in row] for row in rows]
    lines = [head, ["---"] + ["--:"] * (len(head) - 1), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def gates_table(gates: Sequence[Gate]) -> str:
    """What had to be reached and whether it was."""
    rows: list[list[float | str | None]] = [[gate.title, gate.measured, gate.wanted, gate.verdict] for gate in gates]
    return table(["gate", "measured", "wanted", "verdict"], rows)


def facts_list(facts: Mapping[str, str]) -> str:
    """Machine and versions."""
    return "".join(f"- {name}: {value}\n" for name, value in facts.items())


if __name__ == "__main__":
    write()
