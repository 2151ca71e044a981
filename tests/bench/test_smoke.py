"""Every bench runs, in a very small size and through its own entry point, whatever its gates say of such figures."""

import shutil
import subprocess
import sys
from dataclasses import dataclass

import pytest

from bin.devstack.installation import ROOT, find_postgis
from tests.bench.__main__ import BENCHES
from tests.bench.measuring import tools

pytestmark = [
    pytest.mark.usefixtures("processes"),
    pytest.mark.skipif(find_postgis() is None, reason="no PostGIS of this checkout: run bin/setup"),
]


@dataclass(frozen=True, slots=True)
class Small:
    """What makes a bench small: its options, and what is changed of its module before it runs."""

    options: str = ""
    changes: str = ""


# They neither measure nor overwrite what was measured, and everybody asks a small database for a moment.
UNWRITTEN = "bench.document.keep = bench.document.write = lambda *given: None; "
SMALL = {
    "sharing_allocations": Small(changes="bench.INTERVALS, bench.CONSUMERS, bench.ROUNDS = 96, 20, 1"),
    "market_clearing": Small("--rounds 1", "bench.SIZES = [replace(bench.SIZES[0], orders=2_000)]"),
    "market_books": Small("--share 0.002"),
    "market_call_auction": Small("--rounds 1", "bench.AUCTIONS = [replace(bench.AUCTIONS[1], orders=500)]"),
    "market_stall": Small("--rounds 1", "bench.ORDERS, bench.OWNERS = 500, 50"),
    "market_minimum_fill": Small("--rounds 1 --orders 500"),
    "market_placing": Small("--seconds 0.2 --callers 4", "bench.ROUNDS, bench.TRADERS = 1, 10"),
    "market_settlement": Small("--trades 200 --hours 1", "bench.USERS = 20"),
    "metering_readings": Small("--points 2", "bench.DAYS, bench.ROUNDS = 10, 1"),
    "metering_imports": Small("--part 0.01"),
    "geography_assignment": Small("--points 500", "bench.PUBLISHED, bench.MADE_UP = Path('nowhere'), 50"),
    "graphql": Small(
        "--quick --seconds 0.05",
        UNWRITTEN
        + "bench.WARM_UP_S, bench.CONNECTIONS, data = 0.05, (2,), bench.data; "
        + "sizes = replace(data.SMALL, communities=200, administered=200); "
        + "data.filled_cluster = partial(data.filled_cluster, sizes)",
    ),
    "live": Small("--quick", UNWRITTEN + "bench.judging.SOME = bench.judging.MANY = 10"),
}  # fmt: skip
SCRIPT = """
import importlib, sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from bin.devstack import migrated
from tests.bench.measuring import usage
usage.wait_until_idle = lambda process_id: None
migrated.socket_directory = partial(migrated.socket_directory, in_memory=True)
name, changes, *options = sys.argv[1:]
sys.argv[1:] = options
bench = importlib.import_module(f"tests.bench.{name}")
exec(changes)
bench.main()
"""


def test_every_bench_is_run() -> None:
    assert list(SMALL) == list(BENCHES)


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_runs(name: str) -> None:
    """A missed gate is told, and does not fail; what it raises does."""
    module = f"{name}.__main__" if name in {"graphql", "live"} else name
    if name in {"graphql", "live"} and not _has_peers():
        pytest.skip("wrk and the peers are not here: bin/bench graphql installs them")

    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, module, SMALL[name].changes, *SMALL[name].options.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, f"{done.stdout}{done.stderr}"[-4000:]
    assert "cannot run here" not in done.stdout
    assert done.stdout.strip()


def _has_peers() -> bool:
    """Whether what benches compare with was installed before: tests fetch nothing."""
    has_wrk = shutil.which("wrk") or (tools.KEPT / "wrk/usr/bin/wrk").exists()
    return bool(has_wrk) and (tools.KEPT / "peers/installed").exists()
