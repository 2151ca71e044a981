"""Rules of Prometheus as far as ours go: what they say, and whether one fires between two scrapes of /metrics.

An expression compares with a number: a series, or `sum`, `max`, `abs` and `increase` of one, or the quotient of two. A
series that was not there at the first scrape has not increased, as for Prometheus.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

RULE = re.compile(r"      - alert: (\w+)\n        expr: (.+)\n        for: (\d+[smh])\n")
COMPARED = re.compile(r"(.+) (>|<) (\d+(?:\.\d+)?)")
SERIES = re.compile(r"([a-z_]+)(?:\{([^}]*)\})?(?:\[\d+[smh]\])?")
LABEL = re.compile(r'(\w+)(=~?)"([^"]*)"')
AROUND = re.compile(r"(sum|max|abs|increase)\((.*)\)")

Labels = tuple[tuple[str, str], ...]
Vector = Mapping[Labels, float]
Scrape = Mapping[tuple[str, Labels], float]


@dataclass(frozen=True)
class Rule:
    """A rule by its name."""

    name: str
    expression: str

    def names(self) -> set[str]:
        """Metrics that it asks for."""
        return set(re.findall(r"\b(?:graphql|commonwatt)_[a-z_]+", self.expression))

    def fires(self, before: Scrape, after: Scrape) -> bool:
        """Whether any series is beyond the number."""
        compared = COMPARED.fullmatch(self.expression)
        assert compared, self.expression
        left, sign, number = compared.groups()
        values = _vector(left, before, after).values()
        return any(value > float(number) if sign == ">" else value < float(number) for value in values)


def rules(file: Path) -> Sequence[Rule]:
    """The rules of a file, all of which it consists of beside its head."""
    head, _, written = file.read_text().partition("    rules:\n")
    assert "groups:" in head
    assert RULE.sub("", written) == "", "every line belongs to a rule"
    return [Rule(name, expression) for name, expression, _ in RULE.findall(written)]


def scrape(page: str) -> Scrape:
    """A page of /metrics."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def _vector(expression: str, before: Scrape, after: Scrape) -> Vector:
    dividend, divided, divisor = expression.partition(" / ")
    if divided:
        (above,), (below,) = (_vector(each, before, after).values() for each in (dividend, divisor))
        return {(): above / below if below else math.nan}
    around = AROUND.fullmatch(expression)
    if not around:
        return _selected(expression, after)
    function, within = around.groups()
    values = _vector(within, before, after)
    if function == "increase":
        first = _selected(within, before)
        return {labels: value - first[labels] for labels, value in values.items() if labels in first}
    if function == "abs":
        return {labels: abs(value) for labels, value in values.items()}
    return {(): sum(values.values()) if function == "sum" else max(values.values(), default=math.nan)}


def _selected(expression: str, scraped: Scrape) -> Vector:
    series = SERIES.fullmatch(expression)
    assert series, expression
    name, conditions = series.groups()
    asked = LABEL.findall(conditions or "")
    return {
        labels: value
        for (named, labels), value in scraped.items()
        if named == name and all(_matches(dict(labels).get(label, ""), sign, text) for label, sign, text in asked)
    }


def _matches(value: str, sign: str, text: str) -> bool:
    return value == text if sign == "=" else re.fullmatch(text, value) is not None
