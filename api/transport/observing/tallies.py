"""Histograms that cost a few list accesses: those of `prometheus_client` lock and check three times an operation.

One event loop counts, and Prometheus asks on the same loop, so nothing has to be locked.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.utils import floatToGoString


class Tally:
    """Values counted by the first bound they do not exceed, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """For each bound, how many values do not exceed it."""
        bounds = (*self.bounds, float("inf"))
        names = [floatToGoString(bound) for bound in bounds]  # type: ignore[no-untyped-call]
        return list(zip(names, accumulate(self.counts), strict=True))


def histogram(
    name: str, text: str, labels: Sequence[str], tallies: Mapping[tuple[str, ...], Tally]
) -> HistogramMetricFamily:
    """Tallies by the values of their labels, as Prometheus takes them."""
    family = HistogramMetricFamily(name, text, labels=labels)
    for values, tally in tallies.items():
        family.add_metric(values, buckets=tally.buckets(), sum_value=tally.total)
    return family
