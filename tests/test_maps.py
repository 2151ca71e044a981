"""Maps show what is there: pages made from docstrings are up to date, and whatever the others name exists."""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bin.mapping import ROOT, decisions, docstring, rooms

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TOPS = ("api", "bin", "docs", "domain", "migrations", "solver", "tests", ".ci")
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")
FILE = re.compile(r"[\w.*/-]+\.(?:py|md|toml|graphql|json)|(?:" + "|".join(map(re.escape, TOPS)) + r")/[\w.*/-]*")
DOTTED = re.compile(r"(?:api|bin|domain|solver|tests)(?:\.\w+)+")


@pytest.mark.parametrize("page", [rooms, decisions], ids=["rooms", "decisions"])
def test_what_is_made_from_docstrings_is_up_to_date(page: object) -> None:
    assert page.PAGE.read_text() == page.page(), "write it again: bin/maps"  # type: ignore[attr-defined]


def test_decisions_are_written_in_one_way() -> None:
    """A date in a docstring belongs to a decision, so that none is missing from the list."""
    for layer in decisions.LAYERS:
        for module in (ROOT / layer).rglob("*.py"):
            told = docstring(module)
            dated = re.findall(r"\bDecisions?\b[^\n]{0,3}\d{4}-\d\d-\d\d|\(20\d\d-\d\d-\d\d\)", told)
            assert len(dated) == len(decisions.written(told)), module


def test_every_command_says_what_it_does(processes: None) -> None:
    commands = {f"bin/{file.name}" for file in (ROOT / "bin").iterdir() if file.is_file() and os.access(file, os.X_OK)}

    said = subprocess.run([ROOT / "bin" / "help"], capture_output=True, text=True, check=True).stdout

    assert {line.split(" ")[0] for line in said.splitlines() if len(line.split()) > 2} == commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_exists(page: Path) -> None:
    text = page.read_text()

    missing = [name for name in named_in(text) if not exists(name)]
    broken = [link for link in LINK.findall(text) if "://" not in link and not (page.parent / link).exists()]

    assert (missing, broken) == ([], [])


def named_in(text: str) -> Iterator[str]:
    """Files, folders, modules and what is in them, as a page names them in code."""
    for span in CODE.findall(text):
        for word in span.replace("python -m ", "").split(" "):
            name = word.partition("(")[0].partition(":")[0].rstrip(",")
            if FILE.fullmatch(name) or DOTTED.fullmatch(name):
                yield name


def exists(name: str) -> bool:
    """Whether there is such a file, from the root or below any folder, or such a module or name in one."""
    if DOTTED.fullmatch(name) and not FILE.fullmatch(name):
        return is_known(name.split("."))
    if name.startswith(TOPS):
        return any(ROOT.glob(name.rstrip("/")))
    return (ROOT / name).exists() or any(file.endswith(f"/{name}") for file in files())


@cache
def files() -> list[str]:
    return [f"/{file.relative_to(ROOT)}" for top in TOPS for file in (ROOT / top).rglob("*.*")]


def is_known(parts: list[str]) -> bool:
    """Whether the parts are a package or module, with at most a name in it and a name in that."""
    place = ROOT.joinpath(*parts)
    if place.is_dir() or place.with_suffix(".py").exists():
        return True
    for depth in range(len(parts) - 1, 0, -1):
        for module in (ROOT.joinpath(*parts[:depth]).with_suffix(".py"), ROOT.joinpath(*parts[:depth], "__init__.py")):
            if module.exists():
                return defines(ast.parse(module.read_bytes()).body, parts[depth:])
    return False


def defines(body: list[ast.stmt], names: list[str]) -> bool:
    """Whether statements define the first name, and in it the next one."""
    for statement in body:
        if isinstance(statement, ast.ClassDef) and statement.name == names[0]:
            return len(names) == 1 or defines(statement.body, names[1:])
        if names[0] in defined_by(statement):
            return len(names) == 1
    return False


def defined_by(statement: ast.stmt) -> set[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return {statement.name}
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return {target.id for target in targets if isinstance(target, ast.Name)}
