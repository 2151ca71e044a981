"""What `bin/maps` does: pages that are made from docstrings, so that they cannot fall behind."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def rungs() -> list[tuple[str, ...]]:
    """The rooms of `api.house.ROOMS`, lowest first; those of one rung do not import from each other."""
    body = ast.parse((ROOT / "api" / "house.py").read_bytes()).body
    (listed,) = (each.value for each in body if isinstance(each, ast.Assign) and ast.unparse(each).startswith("ROOMS"))
    assert isinstance(listed, ast.Tuple)
    return [
        ast.literal_eval(each.value) if isinstance(each, ast.Starred) else (ast.literal_eval(each),)
        for each in listed.elts
    ]


def docstring(module: Path) -> str:
    """The docstring of a Python file, empty where it has none; the file is not imported."""
    return ast.get_docstring(ast.parse(module.read_bytes())) or ""


def cell(text: str) -> str:
    """A text as a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")
