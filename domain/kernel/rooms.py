"""Rooms of the domain, found by walking its folders: a module of a known name in any of them is part of the whole."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

DOMAIN = Path(__file__).parents[1]


def modules_named(name: str, *, beside: str = "__doc__") -> Iterator[ModuleType]:
    """Modules of this file name below `domain` that define `beside`, imported, by path."""
    for file in sorted(DOMAIN.rglob(f"{name}.py")):
        module = importlib.import_module(".".join(file.with_suffix("").relative_to(DOMAIN.parent).parts))
        if hasattr(module, beside):
            yield module
