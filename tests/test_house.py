"""The house guards itself: the size of its parts, tests beside what they test, one ladder, and one clock."""

import ast
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from bin.mapping import ROOT, rungs

LAYERS = ("api", "domain", "solver")
FILES_MAX, LINES_MAX, FUNCTION_LINES_MAX = 15, 350, 70

# Folders of tests that look at the whole API, not at one room of it.
OF_THE_WHOLE_API = {
    *("tests/api/authorization", "tests/api/hostile"),
    *("tests/api/engine/differential", "tests/api/engine/indexes"),
}

CLOCKS = re.compile(r"\b(datetime\.(now|utcnow|today)|date\.today|time\.(time|time_ns|localtime|gmtime))\(")

# What differs from one process to the next, so that two workers would collect different tests.
PASSING = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d|0x[0-9a-f]{6,}|[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-"
)


@cache
def modules() -> tuple[Path, ...]:
    """Every Python file of ours but what stays as it was: migrations that ran."""
    found = [ROOT.joinpath(top).rglob("*.py") for top in (*LAYERS, "bin", "tests")]
    return tuple(sorted(file for files in found for file in files))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """The functions of a file with their lines, decorators aside."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{named(file)}:{node.name}", node.end_lineno - node.lineno + 1


def assert_within(limit: int, sizes: Mapping[str, int]) -> None:
    assert {name: size for name, size in sizes.items() if size > limit} == {}, f"at most {limit}: part it by topic"


def test_no_folder_has_more_than_15_modules() -> None:
    assert_within(FILES_MAX, Counter(named(file.parent) for file in modules()))


def test_no_file_has_more_than_350_lines() -> None:
    assert_within(LINES_MAX, {named(file): file.read_bytes().count(b"\n") for file in modules()})


def test_no_function_has_more_than_70_lines() -> None:
    longest: dict[str, int] = {}
    for file in modules():
        for name, lines in functions(file):
            longest[name] = max(lines, longest.get(name, 0))

    assert_within(FUNCTION_LINES_MAX, longest)


def test_tests_stand_where_what_they_test_stands() -> None:
    folders = {named(file.parent) for file in modules() if named(file).startswith("tests/")}
    mirrored = {folder for folder in folders if folder.split("/")[1:2] and folder.split("/")[1] in LAYERS}

    without = {folder for folder in mirrored if not (ROOT / folder.removeprefix("tests/")).is_dir()}

    assert without == OF_THE_WHOLE_API


def test_every_room_has_its_tests() -> None:
    """A bridge is tested with its room."""
    code = [file for file in modules() if named(file).startswith(LAYERS) and file.name != "__init__.py"]
    rooms = {file.parent.parent if file.parent.name == "bridge" else file.parent for file in code}

    untested = {named(room) for room in rooms if not any((ROOT / "tests" / named(room)).glob("test_*.py"))}

    assert untested == set()


def test_the_domain_and_the_solver_are_told_what_time_it_is() -> None:
    ours = [file for file in modules() if named(file).startswith(("domain/", "solver/"))]

    assert {named(file) for file in ours if CLOCKS.search(file.read_text())} == set()


def test_no_process_goes_by_the_clock_of_its_machine() -> None:
    """Whatever decides asks `api.resources.clock`, which is the database's time; lines of logs bear the machine's."""
    ours = [file for file in modules() if named(file).startswith(("api/", "domain/"))]
    looking = re.compile(rf"{CLOCKS.pattern}|\buuid[167]\(|\btime\.time(_ns)?\b|\btimestamp_ms\b")

    assert {named(file) for file in ours if looking.search(file.read_text())} == {
        "api/transport/terms/instants.py",  # Until the database has told its time, and to compare.
        "api/transport/observing/operation_log.py",
        "domain/kernel/database.py",  # Until a process says what ids begin with.
    }


def contracts() -> dict[str, list[list[str]]]:
    """The layers of the import contracts by what they divide, lowest first."""
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layered = [contract for contract in written if contract["type"] == "layers"]
    assert all(contract["exhaustive"] for contract in layered)
    return {
        container: [layer.split(" | ") for layer in reversed(contract["layers"])]
        for contract in layered
        for container in contract["containers"]
    }


def test_the_list_of_rooms_and_the_import_contracts_are_the_same_ladder() -> None:
    drawn = contracts()
    market = [[f"market.{name}" for name in layer] for layer in drawn["api.market"]]
    rooms = set(chain.from_iterable(rungs()))

    ladder = [rung for layer in drawn["api"] for rung in (market if layer == ["market"] else [layer])]

    assert [set(rung) for rung in ladder if rooms.intersection(rung)] == [set(rung) for rung in rungs()]


def test_the_import_contracts_divide_every_folder_of_rooms() -> None:
    """Whoever adds a folder to one of these is told to give it a place: the contracts are exhaustive."""
    assert {"api", "api.market", "api.transport", "domain", "domain.kernel", "domain.market"} <= contracts().keys()


def test_nothing_that_was_laid_down_waits_to_be_filled_in() -> None:
    """`bin/new` lays down what runs, and marks what only its author knows."""
    mark = "FILL " + "IN"
    ours = [file for file in modules() if not named(file).startswith("bin/")]

    waiting = [
        f"{named(file)}:{number}: {line.strip()}"
        for file in ours
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if mark in line
    ]

    assert waiting == []


def test_ids_of_tests_are_the_same_in_every_process(request: pytest.FixtureRequest) -> None:
    """Of all tests that are run together with this one."""
    assert [item.nodeid for item in request.session.items if PASSING.search(item.nodeid)] == []


def arguments_of_in() -> Iterator[tuple[str, str]]:
    """What code of ours hands to `in_`, with its place: a list that is written out, or a name or query."""
    for file in modules():
        if named(file).startswith(("api/", "domain/")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "in_":
                    yield f"{named(file)}:{node.lineno}", ast.unparse(node.args[0])


def test_no_statement_has_an_argument_per_row() -> None:
    """A driver takes at most 32,767 arguments; `among` makes one of any number of values."""
    written_out = re.compile(r"\[\w+\.[A-Z_]+(, \w+\.[A-Z_]+)*\]|select\(.*")
    sub_selects = {"points", "own", "first", "live"}

    assert {
        place: given
        for place, given in arguments_of_in()
        if not written_out.fullmatch(given) and given not in sub_selects
    } == {}
