"""The first chapter: twelve published homes under one primary substation of Modena share a year of sun."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import shapely

from tests.acceptance import published
from tests.acceptance.arithmetic import decimal
from tests.acceptance.published import CLOCK_EAST_OF_UTC, HOME_COUNT, HOUR, YEAR_HOURS, YEAR_START
from tests.acceptance.stack import programs
from tests.acceptance.stack.clients import Client
from tests.acceptance.stack.programs import Running

MODENA = (10.925, 44.647)  # Piazza Grande, degrees.
MEMBERS_SINCE = (YEAR_START + CLOCK_EAST_OF_UTC).date().isoformat()
YEAR = {"start": YEAR_START.isoformat(), "end": (YEAR_START + YEAR_HOURS * HOUR).isoformat()}
BY_COMMAND_LINE, BY_UPLOAD, BY_GATEWAY = range(6), range(6, 12), 11  # Homes from 0; the last one in two ways.
HOURS_BY_GATEWAY = 7 * 24

# What the published file is; nothing of it is guessed.
FILE_FORMAT = {
    "layout": "WIDE",
    "fileKind": "CSV",
    "timeColumn": "t",
    "timeFormat": "%Y-%m-%dT%H:%M",
    "clock": "+02:00",
    "timezone": "Europe/Rome",
    "intervalLabel": "START",
    "resolution": "PT1H",
    "unit": "KWH",
    "gross": "true",
}

SIGNED_FOR = (0, 1, 2, BY_GATEWAY)  # A home of each of the four owners: an account signs in for one member.


@dataclass(frozen=True, slots=True)
class Home:
    """A home of the community; `number` counts from 0 as its columns do."""

    number: int
    owner: Client
    member_id: str
    membership_id: str
    point_id: str
    code: str
    location: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Cer:
    """The community as its coordinator knows it."""

    coordinator: Client
    id: str
    area_code: str
    homes: tuple[Home, ...]

    def by_id(self) -> list[int]:
        """Numbers of the homes by rank of their metering points' ids, which is how ties are decided."""
        return sorted(range(len(self.homes)), key=lambda n: self.homes[n].point_id)


def found(coordinator: Client, owners: Sequence[tuple[str, Client]]) -> Cer:
    """Found the community in the area that serves Modena and admit the homes; owners by e-mail address, in turn."""
    area = _area_at(coordinator, MODENA)
    community = coordinator.change(
        "createCommunity",
        "community { id }",
        framework="IT_CER",
        kind="SUBSTATION",
        name="CER Piazza Grande",
        timezone="Europe/Rome",
        substationAreaId=area["id"],
        memberName="Comune di Modena",
        legalForm="PUBLIC_BODY",
    )["community"]
    places = spread_over(json.dumps(area["boundary"]), HOME_COUNT)
    homes = [
        _admitted(coordinator, community["id"], number, place, *owners[number % len(owners)], number in SIGNED_FOR)
        for number, place in enumerate(places)
    ]
    return Cer(coordinator, community["id"], area["code"], tuple(homes))


def _area_at(client: Client, point: tuple[float, float]) -> Any:
    document = """query($point: GeoJSONPoint!) {
        substationAreas(filter: {point: $point}) { edges { node { id code boundary } } } }"""
    (edge,) = client.ask(document, point={"type": "Point", "coordinates": point})["substationAreas"]["edges"]
    return edge["node"]


def spread_over(boundary: str, count: int) -> list[tuple[float, float]]:
    """The first points of a fixed, even sequence over the box (Halton, bases 2 and 3) that lie in a boundary."""
    area = shapely.from_geojson(boundary)
    west, south, east, north = area.bounds
    found: list[tuple[float, float]] = []
    number = 0
    while len(found) < count:
        number += 1
        lon = round(west + _radical_inverse(number, 2) * (east - west), 6)
        lat = round(south + _radical_inverse(number, 3) * (north - south), 6)
        if area.contains(shapely.Point(lon, lat)):
            found.append((lon, lat))
    return found


def _radical_inverse(number: int, base: int) -> float:
    value, scale = 0.0, 1.0 / base
    while number:
        number, digit = divmod(number, base)
        value, scale = value + digit * scale, scale / base
    return value


def _admitted(
    coordinator: Client,
    community_id: str,
    number: int,
    place: tuple[float, float],
    email: str,
    owner: Client,
    signs_in: bool,
) -> Home:
    """A home and its roof; an account signs in for one member of a community."""
    admitted = coordinator.change(
        "addMember",
        "member { id } membership { id }",
        communityId=community_id,
        kind="PROSUMER",
        name=f"Home {number + 1}",
        legalForm="NATURAL_PERSON",
        email=email if signs_in else None,
        validFrom=MEMBERS_SINCE,
    )
    membership_id = admitted["membership"]["id"]
    point = coordinator.change(
        "registerMeteringPoint", "meteringPoint { id code }", **a_point(community_id, membership_id, number, place)
    )["meteringPoint"]
    roof = {"communityId": community_id, "meteringPointId": point["id"], "name": "Roof", "kind": "PV", "powerKw": "10"}
    coordinator.change("addAsset", "asset { id }", **roof)
    return Home(number, owner, admitted["member"]["id"], membership_id, point["id"], point["code"], place)


def a_point(community_id: str, membership_id: str, number: int, place: tuple[float, float]) -> dict[str, Any]:
    """The input that registers a home's metering point."""
    return {
        "communityId": community_id,
        "membershipId": membership_id,
        "code": f"IT001E{36_000_001 + number:08d}",
        "codeKind": "IT_POD",
        "directions": ["INJECTED", "WITHDRAWN"],
        "location": {"type": "Point", "coordinates": place},
    }


def columns_of(homes: Sequence[Home]) -> str:
    """Which columns of the published file are whose load and sun."""
    kinds = {"load": "WITHDRAWN", "pv": "INJECTED"}
    return json.dumps(
        [
            {"name": f"b{home.number + 1}_{kind}_kwh", "point": home.code, "direction": direction}
            for home in homes
            for kind, direction in kinds.items()
        ]
    )


def import_by_command_line(stack: Running, cer: Cer, file: Path) -> str:
    """Half of the homes from a file; gives what the command said."""
    given = FILE_FORMAT | {"columns": columns_of([cer.homes[n] for n in BY_COMMAND_LINE])}
    return stack.commonwatt("import", "readings", file, *programs.options(given))


def upload(cer: Cer, content: bytes) -> list[Any]:
    """The other half of a file by upload, the last home without its last week; gives the reports."""
    without_last_week = b"".join(content.splitlines(keepends=True)[:-HOURS_BY_GATEWAY])
    whole = [cer.homes[n] for n in BY_UPLOAD if n != BY_GATEWAY]
    return [_uploaded(cer, whole, content), _uploaded(cer, [cer.homes[BY_GATEWAY]], without_last_week)]


def _uploaded(cer: Cer, homes: Sequence[Home], content: bytes) -> Any:
    given = urlencode(FILE_FORMAT | {"columns": columns_of(homes)})
    answer = cer.coordinator.post(
        f"/v1/imports/readings?{given}", content=content, headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def post_as_gateway(cer: Cer, homes: published.Homes) -> Any:
    """The last week of the last home, netted by its meter, with a METER key; gives the answer."""
    key = cer.coordinator.change(
        "createApiKey",
        "token",
        name="Gateway of home 12",
        kind="METER",
        scopes=["readings:write"],
        expiresAt=(datetime.now(UTC) + timedelta(days=30)).isoformat(),
    )["token"]
    start = YEAR_START + (YEAR_HOURS - HOURS_BY_GATEWAY) * HOUR
    energies = {"INJECTED": homes.injected_ukwh, "WITHDRAWN": homes.withdrawn_ukwh}
    entries = [
        {
            "point": cer.homes[BY_GATEWAY].code,
            "direction": direction,
            "resolutionMinutes": 60,
            "start": start.isoformat(),
            "values": [decimal(value) for value in energy[-HOURS_BY_GATEWAY:, BY_GATEWAY].tolist()],
        }
        for direction, energy in energies.items()
    ]
    answer = replace(cer.coordinator, token=key).post("/v1/readings", json={"readings": entries})
    assert answer.status_code == 200, answer.text
    return answer.json()
