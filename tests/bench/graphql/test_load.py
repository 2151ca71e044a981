"""What is read from the output of the load generators."""

import pytest

from tests.bench.graphql.load import Load, LoadFailed, read_pgbench, read_wrk

WRK = '{"requests": 1200, "seconds": 2.0, "bytes": 360000, "failed": %d, "p50_ms": 1.5, "p99_ms": 7.25}'
PGBENCH = """transaction type: one.sql
number of transactions actually processed: 5000
number of failed transactions: 0 (0.000%)
latency average = 0.400 ms
initial connection time = 3.1 ms
tps = 2500.5 (without initial connection time)
"""


def test_wrk_reports_its_line_after_the_text() -> None:
    load = read_wrk("Running 2s test @ http://127.0.0.1\n  600.0 requests/sec\n" + WRK % 0)

    assert load == Load(1200, 2.0, 1.5, 7.25, 360_000)
    assert load.per_s == 600


@pytest.mark.parametrize("output", ["", WRK % 3, WRK.replace("1200", "0") % 0])
def test_failed_requests_are_no_measurement(output: str) -> None:
    with pytest.raises(LoadFailed):
        read_wrk(output)


def test_pgbench_tells_its_mean_only() -> None:
    load = read_pgbench(PGBENCH, "", 2)

    assert (load.requests, load.p50_ms, load.p99_ms) == (5000, 0.4, None)
    assert load.per_s == pytest.approx(2500.5)


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        (PGBENCH, "pgbench: error: client 0 aborted in command 0"),
        (PGBENCH.replace("transactions: 0", "transactions: 2"), ""),
        ("", "no server"),
    ],
)
def test_a_script_that_fails_is_no_floor(output: str, errors: str) -> None:
    with pytest.raises(LoadFailed):
        read_pgbench(output, errors, 2)
