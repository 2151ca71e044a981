"""What every process and every test waits for before anything else."""

import subprocess
import sys

import pytest

from bin.devstack.installation import ROOT

HEAVY = {"numba", "ortools", "pandas", "demandlib", "alembic", "babel"}
SCRIPT = """
import sys, time
import api.graphql.schema
from api import house
list(house.rooms())
took_s = time.process_time()
api.graphql.schema.make_schema()
print(*sys.modules)
print(f"the schema and all rooms are imported in {took_s:.2f} s of processor time", file=sys.stderr)
"""


@pytest.mark.usefixtures("processes")
def test_the_schema_and_its_rooms_import_nothing_that_only_some_jobs_and_routes_need() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)

    print(done.stderr)  # noqa: T201 - shown when it fails, and with -s.
    assert HEAVY.isdisjoint(done.stdout.split())
