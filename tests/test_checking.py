"""`bin/check` runs the tests of what changed, those of the house's shape, and nothing else."""

import pytest

from bin.checking.changes import SHAPE, standing_for

STANDS = {
    "a room of the domain": (["domain/grid/limits.py"], ["tests/api/grid", "tests/domain/grid"]),
    "a room of the solver": (["solver/market/flows/routes.py"], ["tests/solver/market/flows"]),
    "a test": (["tests/api/grid/test_loads.py"], ["tests/api/grid/test_loads.py"]),
    "a test of a room that changed": (
        ["tests/api/grid/test_loads.py", "api/grid/loads.py"],
        ["tests/api/grid", "tests/domain/grid"],
    ),
    "a migration": (["migrations/versions/2026-11-20-1000_create_tables.py"], ["tests/migrations"]),
    "what everything leans on": (["domain/kernel/sql.py", "tests/factories/grid.py", "api/house.py"], []),
    "a page": (["docs/map.md"], []),
}


@pytest.mark.parametrize(("changed", "tests"), STANDS.values(), ids=STANDS)
def test_the_tests_of_a_change(changed: list[str], tests: list[str]) -> None:
    assert standing_for(changed) == sorted([*tests, *SHAPE])
