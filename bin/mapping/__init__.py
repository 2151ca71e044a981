"""What `bin/maps` does: pages that are made from docstrings, so that they cannot fall behind."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def docstring(module: Path) -> str:
    """The docstring of a Python file, empty where it has none; the file is not imported."""
    return ast.get_docstring(ast.parse(module.read_bytes())) or ""


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
