"""The second chapter: January 2023 of an Austrian community whose grid operator computes the allocation itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlencode

from tests.acceptance import published
from tests.acceptance.stack import programs
from tests.acceptance.stack.clients import Client
from tests.acceptance.stack.programs import Running

CONSUMERS, GENERATORS = ("m1", "m2", "m3", "m4", "m5", "m6"), ("g1", "g2")
FIRST_DAY = date(2023, 1, 1)
AFTER_THE_REPORT = date(2023, 2, 1)  # Points whose columns stay empty join after it, as far as the report tells.
JANUARY = {"start": "2023-01-01T00:00:00+01:00", "end": "2023-02-01T00:00:00+01:00"}
QUARTERS_A_DAY = 96
WRONG = (48, "m1_covered_kwh", "0.5")  # A figure that the operator states wrongly at first: 1 January, 12:00.

FILE_FORMAT = {
    "layout": "WIDE",
    "fileKind": "CSV",
    "timeColumn": "start_local",
    "timeFormat": "%Y-%m-%dT%H:%M",
    "clock": "Europe/Vienna",
    "timezone": "Europe/Vienna",
    "intervalLabel": "START",
    "resolution": "PT15M",
    "unit": "KWH",
}


@dataclass(frozen=True, slots=True)
class Eeg:
    """The community as its chair knows it; members and codes by the name of the point in the report."""

    chair: Client
    id: str
    member_ids: Mapping[str, str]
    codes: Mapping[str, str]
    joined: Mapping[str, date]

    @property
    def taking_part(self) -> list[str]:
        """Names of the points that take part in January, as the report writes them."""
        return [name for name, day in self.joined.items() if day < AFTER_THE_REPORT]


def found(chair: Client, report: Mapping[str, Sequence[int | None]]) -> Eeg:
    """Found the community; each point joins on the day on which its column begins."""
    community = chair.change(
        "createCommunity",
        "community { id }",
        framework="AT_EEG",
        kind="REGION",
        name="EEG Sonnseitn",
        timezone="Europe/Vienna",
    )["community"]
    joined = {name: joining_day(report[column]) for name, column in _metered().items()}
    members, codes = {}, {}
    for number, (name, day) in enumerate(joined.items()):
        members[name], codes[name] = _admitted(chair, community["id"], number, name, day)
    return Eeg(chair, community["id"], members, codes, joined)


def joining_day(column: Sequence[int | None]) -> date:
    """The day of the first figure; a column that begins within a day would be a fault of this story."""
    first = next((number for number, value in enumerate(column) if value is not None), None)
    if first is None:
        return AFTER_THE_REPORT
    assert first % QUARTERS_A_DAY == 0
    return date.fromordinal(FIRST_DAY.toordinal() + first // QUARTERS_A_DAY)


def _metered() -> dict[str, str]:
    """Column of what was metered, by the name of the point."""
    consumed = {name: f"{name}_consumption_kwh" for name in CONSUMERS}
    return consumed | {name: f"{name}_production_kwh" for name in GENERATORS}


def _admitted(chair: Client, community_id: str, number: int, name: str, day: date) -> tuple[str, str]:
    is_consumer = name in CONSUMERS
    admitted = chair.change(
        "addMember",
        "member { id } membership { id }",
        communityId=community_id,
        kind="CONSUMER" if is_consumer else "PRODUCER",
        name=name,
        legalForm="NATURAL_PERSON",
        validFrom=day.isoformat(),
    )
    point = chair.change(
        "registerMeteringPoint",
        "meteringPoint { code }",
        communityId=community_id,
        membershipId=admitted["membership"]["id"],
        code=f"AT{number + 1:031d}",
        codeKind="AT_METERING_POINT",
        directions=["WITHDRAWN" if is_consumer else "INJECTED"],
    )["meteringPoint"]
    return admitted["member"]["id"], point["code"]


def columns_of(eeg: Eeg, names: Sequence[str], what: str, direction: str) -> list[dict[str, str]]:
    """Which columns of the report are whose."""
    return [{"name": f"{name}_{what}_kwh", "point": eeg.codes[name], "direction": direction} for name in names]


def import_readings(stack: Running, eeg: Eeg) -> str:
    """What the points metered and offered to the community, by the command line; gives what it said."""
    consumers = [name for name in CONSUMERS if name in eeg.taking_part]
    generators = [name for name in GENERATORS if name in eeg.taking_part]
    columns = [
        *columns_of(eeg, consumers, "consumption", "WITHDRAWN"),
        *columns_of(eeg, generators, "production", "INJECTED"),
    ]
    return stack.commonwatt("import", "readings", published.OPERATOR_REPORT, *_options(columns))


def import_figures(stack: Running, eeg: Eeg, file: Path) -> str:
    """What the operator let each consumer receive, by the command line; gives what it said."""
    options = _options(_covered(eeg))
    return stack.commonwatt("import", "operator-figures", file, "--community", eeg.id, *options)


def upload_figures(eeg: Eeg, content: bytes) -> object:
    """The same by upload; gives the report."""
    given = urlencode(FILE_FORMAT | {"community": eeg.id, "columns": json.dumps(_covered(eeg))})
    answer = eeg.chair.post(f"/v1/imports/operator-figures?{given}", content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def with_another_figure(content: bytes, row: int, column: str, kwh: str) -> bytes:
    """The report with one figure changed; rows count from 0 without the header."""
    lines = content.decode().splitlines()
    cells = lines[row + 1].split(",")
    cells[lines[0].split(",").index(column)] = kwh
    lines[row + 1] = ",".join(cells)
    return "\n".join([*lines, ""]).encode()


def start_of(row: int) -> datetime:
    """When the interval of a row starts."""
    midnight = datetime.fromisoformat(JANUARY["start"])
    return datetime.fromtimestamp(midnight.timestamp() + row * 900, UTC)


def _covered(eeg: Eeg) -> list[dict[str, str]]:
    return columns_of(eeg, [name for name in CONSUMERS if name in eeg.taking_part], "covered", "WITHDRAWN")


def _options(columns: list[dict[str, str]]) -> list[str]:
    return programs.options(FILE_FORMAT | {"columns": json.dumps(columns)})
