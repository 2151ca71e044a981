"""Gates, losses and the page, from points."""

import math
from dataclasses import asdict

from tests.bench.graphql import report
from tests.bench.graphql.judging import BY_HAND, FLOOR, Judged
from tests.bench.graphql.measuring import Point
from tests.bench.graphql.operations import NAIVE, OPERATIONS, OURS, POSTGRAPHILE
from tests.bench.measuring.gates import failed

RATES = {OURS: 700.0, POSTGRAPHILE: 100.0, NAIVE: 10.0, FLOOR: 800.0, BY_HAND: 850.0}


def points(rates: dict[str, float]) -> list[Point]:
    """Latencies and processor times go down as rates go up; memory is 100 MiB for us and 200 for the others."""
    return [
        Point(
            operation=operation.name,
            server=server,
            connections=connections,
            round=number,
            per_s=rate,
            p50_ms=1_000 / rate,
            p99_ms=None if server in {FLOOR, BY_HAND} else 5_000 / rate,
            server_cpu_us=None if server in {FLOOR, BY_HAND} else 1e5 / rate,
            database_cpu_us=50.0,
            rss_mib=None if server in {FLOOR, BY_HAND} else 100.0 + 100 * (server != OURS),
        )
        for number in range(3)
        for operation in OPERATIONS
        for connections in (1, 32)
        for server, rate in rates.items()
    ]


def test_all_gates_hold_for_a_server_seven_times_as_fast() -> None:
    judged = Judged(points(RATES))

    assert failed(judged.gates()) == []
    assert judged.lost() == []
    assert len(judged.gates()) == 13


def test_a_slower_server_fails_and_its_losses_are_told() -> None:
    judged = Judged(points(RATES | {OURS: 90.0}))

    assert {gate.title for gate in failed(judged.gates())} >= {"by_id over postgraphile", "nested over floor"}
    assert "by_id at 32 connections: throughput is 0.90 of postgraphile's" in judged.lost()
    assert not any("naive" in line for line in judged.lost())


def test_what_was_not_measured_is_missed() -> None:
    without = [point for point in points(RATES) if (point.server, point.operation) != (OURS, "rows")]

    missed = failed(Judged(without).gates())

    assert [gate.title for gate in missed] == [
        "rows over postgraphile",
        "rows over floor",
        "rows: p99 over postgraphile",
    ]
    assert all(math.isnan(gate.measured) for gate in missed)


def test_the_page_holds_gates_tables_and_plots() -> None:
    kept = [asdict(point) for point in points(RATES)]

    text = report.section({"machine": "two cores"}, kept)

    assert "- machine: two cores\n" in text
    assert "| by_id over postgraphile | 7.00 | ≥ 1.3 | met |" in text
    assert "| commonwatt | 700 | 7.00 | 0.88 | 1.43 | 7.14 | 143 | 50.0 |" in text
    assert "Nothing that was compared with a peer." in text
    for name, picture in report.plots(kept).items():
        assert f"(benchmarks/{name})" in text
        assert picture.startswith("<svg ")
