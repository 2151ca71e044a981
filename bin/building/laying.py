"""Lay templates into the tree: new files are made, those that are there get what they lack."""

import ast
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from string import Template

from bin.mapping import ROOT

TEMPLATES = Path(__file__).parent
PART = re.compile(r"^=== (.+)\n", re.MULTILINE)


def lay(template: str, names: Mapping[str, str]) -> list[Path]:
    """Lay the parts of a template; gives the files."""
    _, *parts = PART.split(Template((TEMPLATES / f"{template}.txt").read_text()).substitute(names))
    laid = []
    for path, text in zip(parts[::2], parts[1::2], strict=True):
        file = ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(merged(file.read_text(), text) if file.exists() else text)
        laid.append(file)
    return laid


def merged(there: str, part: str) -> str:
    """A module with what it lacks of a part: imports, definitions, and methods of classes. What is there stays.

    New definitions come last, or above the first class that gets a method, which may name them.
    """
    given = ast.parse(part).body
    classes = [_name(statement) for statement in given if isinstance(statement, ast.ClassDef)]
    gets_methods = next((name for name in map(_name, ast.parse(there).body) if name in classes), "")
    for statement in given:
        source = _source(part, statement)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            there = _after(there, _last_import(there), source)
        elif not isinstance(statement, ast.Expr) and not _named(there, _name(statement)):
            there = _after(there, _line_above(there, gets_methods), f"\n\n{source}\n\n")
    for statement in given:
        if isinstance(statement, ast.ClassDef):
            there = _with_methods(there, part, statement)
    return there


def _with_methods(there: str, part: str, given: ast.ClassDef) -> str:
    """A module with the methods that its class of the same name lacks."""
    for member in given.body:
        same = _named(there, given.name)
        if same and isinstance(member, ast.AsyncFunctionDef) and f"def {member.name}(" not in _source(there, same):
            there = _after(there, same.end_lineno, "\n" + _source(part, member))
    return there


def _line_above(text: str, name: str) -> int | None:
    """The line before a definition; None for the end where there is none."""
    found = _named(text, name)
    return None if found is None else _first_line(found) - 1


def _source(text: str, node: ast.stmt) -> str:
    """The lines of a statement, with its decorators."""
    return "\n".join(text.splitlines()[_first_line(node) - 1 : node.end_lineno])


def _first_line(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([each.lineno for each in decorators], default=node.lineno)


def _after(text: str, line: int | None, source: str) -> str:
    lines = text.splitlines()
    line = len(lines) if line is None else line
    return "\n".join([*lines[:line], source, *lines[line:]]) + "\n"


def _last_import(text: str) -> int:
    """The line of the last import, or else of the docstring."""
    body = ast.parse(text).body
    ends = [each.end_lineno or 0 for each in body if isinstance(each, ast.Import | ast.ImportFrom)]
    return ends[-1] if ends else (body[0].end_lineno or 0)


def _name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        return statement.targets[0].id
    return str(getattr(statement, "name", ""))


def _named(text: str, name: str) -> ast.stmt | None:
    """A definition in a module."""
    return next((statement for statement in ast.parse(text).body if name and _name(statement) == name), None)


def declare(room: Path, module: str, entries: Mapping[str, str]) -> Path:
    """Add names of a module to fields of `ROOM` in a room's `room.py`."""
    file = room / "room.py"
    text = merged(file.read_text(), f"from {module} import {', '.join(entries.values())}\n")
    for field, name in entries.items():
        text = with_entry(text, "Room", field, name)
    file.write_text(text)
    return file


def with_entry(text: str, call_of: str, field: str, entry: str, brackets: str = "()") -> str:
    """A module with one more entry in a field of the one call of a class; what has it stays as it is."""
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (call,) = (each for each in calls if isinstance(each.func, ast.Name) and each.func.id == call_of)
    made = ast.get_source_segment(text, call) or ""
    given = {keyword.arg: ast.get_source_segment(text, keyword.value) or "" for keyword in call.keywords}
    left, right = brackets[0], brackets[1]
    if field not in given:
        before = made.removesuffix(")").rstrip(", \n")
        return text.replace(made, f"{before}{', ' * bool(given)}{field}={left}{entry},{right})", 1)
    if re.search(rf"\b{re.escape(entry)}", given[field]):
        return text
    listed = given[field].removeprefix(left).removesuffix(right).rstrip(", \n")
    return text.replace(made, made.replace(given[field], f"{left}{listed}, {entry},{right}", 1), 1)


def tidy(files: list[Path]) -> None:
    """Sort imports and format, as the linter wants it."""
    python = [str(file) for file in files if file.suffix == ".py"]
    for arguments in (("check", "--quiet", "--select", "I,F401,F811", "--fix"), ("format", "--quiet")):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, *python], cwd=ROOT, check=True)
