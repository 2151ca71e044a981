"""`bin/new` lays down what is registered, compiles and lints, and leaves to be filled in what only its author knows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bin.building.naming import plural, with_article, words_of

ROOT = Path(__file__).parents[1]
TOPS = ("api", "bin", "domain", "migrations", "solver", "tests")
MARK = "FILL " + "IN"
LAID = (
    ("room", "tenders", "Tender"),
    ("mutation", "tenders", "closeTender", "TenderEnded"),
    ("mutation", "tenders", "reopenTender", "TenderEnded"),
    ("job", "tenders", "REMIND_BIDDERS"),
    ("room", "market.swaps", "EnergySwap"),
    ("entity", "grid", "WindFarm"),
    ("mutation", "grid", "praiseGridAlert", "AlertOver"),
)
REFUSED = {
    "a sentence": ("room", "charging", "Charging points of cars."),
    "a room that is there": ("room", "grid", "WindFarm"),
    "a name of several words": ("room", "wind_farms", "WindFarm"),
    "a room that is not there": ("entity", "windfarms", "WindFarm"),
    "an entity that is there": ("entity", "grid", "GridAlert"),
    "a mutation that is there": ("mutation", "grid", "withdrawGridAlert", "AlertOver"),
    "a mutation of nothing": ("mutation", "grid", "praiseNothing", "NothingOver"),
}
SCHEMA = """
from api.graphql.schema import make_schema
from api.house import load_jobs
from api.jobs.work import FUNCTIONS
from domain.kernel.tables import Base

load_jobs()
text = make_schema().as_str()
names = "closeTender", "reopenTender", "energySwaps", "windFarms", "praiseGridAlert"
print(*(name for name in names if name in text))
print("REMIND_BIDDERS" in FUNCTIONS, {"tender", "energy_swap", "wind_farm"} <= set(Base.metadata.tables))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, processes: None) -> Path:
    """This checkout, with all of it laid down."""
    tree = tmp_path_factory.mktemp("checkout")
    for top in TOPS:
        shutil.copytree(ROOT / top, tree / top, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tree)
    for arguments in LAID:
        run(tree, "-m", "bin.building", *arguments)
    return tree


def run(tree: Path, *arguments: str, status: int = 0) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=tree, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_what_is_laid_down_is_part_of_the_house(copy: Path) -> None:
    told = run(copy, "-c", SCHEMA)

    assert told.splitlines() == ["closeTender reopenTender energySwaps windFarms praiseGridAlert", "True True"]


def test_what_is_laid_down_is_tidy(copy: Path) -> None:
    run(copy, "-m", "ruff", "check", "--no-cache")
    run(copy, "-m", "ruff", "format", "--check", "--no-cache")


def test_what_is_laid_down_keeps_to_the_import_contracts(copy: Path) -> None:
    lint = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"

    assert " 0 broken" in run(copy, "-c", lint)


def test_tests_are_laid_down_that_wait_for_what_only_the_author_knows(copy: Path) -> None:
    waiting = {
        file.relative_to(copy / "tests").as_posix()
        for file in (copy / "tests").rglob("test_*.py")
        if f'pytest.fail("{MARK}' in file.read_text()
    }

    assert waiting == {
        "api/grid/test_praise_grid_alert.py",
        "api/tenders/test_close_tender.py",
        "api/tenders/test_remind_bidders.py",
        "api/tenders/test_reopen_tender.py",
        "domain/grid/test_wind_farms.py",
        "domain/market/swaps/test_energy_swaps.py",
        "domain/tenders/test_tenders.py",
    }


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_refuses_what_does_not_fit_and_lays_down_nothing(copy: Path, arguments: tuple[str, ...]) -> None:
    before = {file: file.read_bytes() for file in copy.rglob("*.py")}

    assert run(copy, "-m", "bin.building", *arguments, status=1).startswith("new: ")

    assert {file: file.read_bytes() for file in copy.rglob("*.py")} == before


@pytest.mark.parametrize("name", ["WindFarm", "windFarm", "wind_farm", "WIND_FARM"])
def test_a_name_has_its_words_however_it_is_written(name: str) -> None:
    assert words_of(name) == ["wind", "farm"]


def test_names_are_bent_as_in_english() -> None:
    assert [plural([word])[0] for word in ("farm", "supply", "day", "box", "branch")] == [
        *("farms", "supplies", "days", "boxes", "branches")
    ]
    assert [with_article(words) for words in (["energy", "swap"], ["wind", "farm"])] == [
        "an energy swap",
        "a wind farm",
    ]
