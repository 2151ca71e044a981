"""Bars as SVG: panels below each other, each with a linear scale of its own that begins at zero."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABEL, VALUE, BAR, GAP, HEAD = 760, 150, 110, 16, 6, 30
COLOURS = ("#1b6e53", "#d08c2f", "#7c7c7c", "#4a6fa5", "#9db4d3")
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One comparison: a value for each label; parts of a bar lie end to end."""

    title: str
    bars: Mapping[str, Sequence[float]]

    @property
    def height(self) -> int:
        return HEAD + len(self.bars) * (BAR + GAP) + GAP


def svg(title: str, unit: str, panels: Sequence[Panel], colour_of: Mapping[str, str]) -> str:
    """The picture. Values are written out beside the bars, so that it can be read without measuring."""
    height = 34 + sum(panel.height for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}" role="img" {FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="10" y="22" font-size="15" font-weight="bold">{escape(f"{title}, {unit}")}</text>',
    ]
    top = 34
    for panel in panels:
        parts += _panel(panel, top, colour_of)
        top += panel.height
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, top: int, colour_of: Mapping[str, str]) -> list[str]:
    largest = max((sum(values) for values in panel.bars.values()), default=0) or 1
    scale = (WIDTH - LABEL - VALUE) / largest
    parts = [f'<text x="10" y="{top + 20}" font-weight="bold">{escape(panel.title)}</text>']
    for number, (label, values) in enumerate(panel.bars.items()):
        y = top + HEAD + number * (BAR + GAP)
        parts.append(f'<text x="{LABEL - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>')
        left = float(LABEL)
        for part, value in enumerate(values):
            opacity = 1 if part == 0 else 0.45
            parts.append(
                f'<rect x="{left:.1f}" y="{y}" width="{value * scale:.1f}" height="{BAR}" '
                f'fill="{colour_of.get(label, COLOURS[0])}" fill-opacity="{opacity}"/>'
            )
            left += value * scale
        parts.append(f'<text x="{left + 6:.1f}" y="{y + 12}">{" + ".join(figure(value) for value in values)}</text>')
    return parts


def figure(value: float | None) -> str:
    """A measured value with three digits that count, or all before the point; a dash where nothing was measured."""
    if value is None or math.isnan(value):
        return "–"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
