"""How tests are dealt out to workers: a file stays with one of them, for the sake of its fixtures, and so does a stage.

Those that take longest come first, so that no worker is left alone with them.
"""

from typing import Any

import pytest

STAGES = ("tests/acceptance/",)
"""Folders whose tests all play on one stack, which takes most of a minute to bring up."""


def scheduler(config: pytest.Config, log: Any) -> Any:
    """Deals out whole files, or whole stages."""
    from xdist.scheduler import LoadFileScheduling  # noqa: PLC0415 - few tests are run without.

    made = LoadFileScheduling(config, log)
    made._split_scope = place_of
    return made


def place_of(test: str) -> str:
    """The stage or file of a test."""
    return next((stage for stage in STAGES if test.startswith(stage)), test.partition("::")[0])


def longest_first(items: list[pytest.Item]) -> None:
    """Stages, then what asks for more time than others, then the rest in the order it was in."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    if item.nodeid.startswith(STAGES):
        return 0
    return 1 if item.get_closest_marker("timeout") else 2
