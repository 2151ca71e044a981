"""Gates and the page of the subscriptions, from points."""

from dataclasses import asdict, replace

from tests.bench.live import report
from tests.bench.live.following import OURS, PEER
from tests.bench.live.judging import gates
from tests.bench.live.measuring import Point
from tests.bench.measuring import document
from tests.bench.measuring.gates import failed

OURS_AT_1000 = Point(
    server=OURS,
    sockets=1_000,
    round=0,
    burst_per_s=100_000,
    first_ms=2,
    p50_ms=5,
    p99_ms=20,
    sent=40_000,
    dropped=0,
    dropped_in_bursts=0,
    kib_per_socket=30,
    server_cpu_us=5,
    client_cpu_us=4,
    connect_s=1,
    retried=0,
)
POINTS = [
    OURS_AT_1000,
    replace(OURS_AT_1000, server=PEER, burst_per_s=20_000, p99_ms=50, kib_per_socket=100, connect_s=0.5),
    replace(OURS_AT_1000, sockets=10_000, p99_ms=200),
]


def test_the_gates_compare_within_the_round() -> None:
    found = gates(POINTS)

    assert [gate.measured for gate in found] == [5, 0.4, 30, 0]
    assert failed(found) == []


def test_one_lost_delivery_fails() -> None:
    lossy = [*POINTS[:2], replace(POINTS[2], dropped=1)]

    assert [gate.title for gate in failed(gates(lossy))] == ["dropped at 5 events/s, 10,000 sockets"]


def test_a_number_of_sockets_that_was_not_measured_fails() -> None:
    assert len(failed(gates(POINTS[:2]))) == 2


def test_the_page_tells_what_loses() -> None:
    kept = [asdict(point) for point in POINTS]

    text = report.section({}, kept)

    assert "- 1,000 sockets, seconds to connect all: 1.00 against 0.50\n" in text
    assert "| graphql-ws | 20,000 |" in text
    assert set(report.plots(kept)) == {"live.svg"}


def test_tables_and_figures_keep_three_digits() -> None:
    assert document.table(["a", "b"], [["x", 1234.5], ["y", None]]) == (
        "| a | b |\n| --- | --: |\n| x | 1,234 |\n| y | – |\n"
    )
