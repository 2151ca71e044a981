"""`POST /v1/imports/areas`: who may, what comes back, and that a refusal leaves nothing behind."""

import gzip
import json
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import func, select

from api.geography import imports
from api.transport.http.bodies import BodyLimit
from domain.audit.tables import AuditEntry
from domain.geography.tables import Municipality, SubstationArea
from tests.api.geography.conftest import VIEWERS, Site

WHAT = {"kind": "substation-areas", "code": "code", "name": "name", "country": "=IT"}
BOWTIE = [[10.9, 44.6], [11.0, 44.7], [11.0, 44.6], [10.9, 44.7], [10.9, 44.6]]


def square(lon: float = 10.9) -> list[list[float]]:
    east = round(lon + 0.1, 6)
    return [[lon, 44.6], [lon, 44.7], [east, 44.7], [east, 44.6], [lon, 44.6]]


def a_file(**rings: Any) -> bytes:
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": code.title(), "people": 100},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }
        for code, ring in rings.items()
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


async def post(site: Site, content: Any, token: str | None = "admin", **changes: Any) -> Response:
    headers = {"Content-Type": "application/geo+json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    what = {name: value for name, value in (WHAT | changes).items() if value is not None}
    return await site.client.post(imports.PATH, params=what, content=content, headers=headers)


async def stored(site: Site) -> tuple[int, int]:
    """Areas of all kinds, and audit entries."""
    async with site.database.reading() as connection:
        counts = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (SubstationArea, Municipality, AuditEntry)
        ]
    return counts[0] + counts[1], counts[2]


async def test_an_administrator_gets_a_report_of_what_was_stored(site: Site) -> None:
    answer = await post(site, a_file(A=square(), B=square(10.95)))

    report = answer.json()
    [overlap] = report.pop("overlaps")
    assert answer.status_code == 200
    assert len(report.pop("digest")) == 64
    assert report == {
        "kind": "substation-areas",
        "features": 2,
        "vertices": 10,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "repaired": [],
        "overlapCount": 1,
        "faultCount": 0,
        "faults": [],
    }
    assert (overlap["code"], overlap["otherCode"]) == ("A", "B")
    assert overlap["sharedM2"] == pytest.approx(44.1e6, rel=0.01)
    assert await stored(site) == (2, 1)


async def test_the_import_is_written_down_under_who_did_it(site: Site) -> None:
    await post(site, a_file(A=square()))

    async with site.database.reading() as connection:
        actor = (await connection.execute(select(AuditEntry.actor))).scalar_one()
    assert actor == VIEWERS["admin"].key


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, "UNAUTHENTICATED"),
        ("nobody", 401, "UNAUTHENTICATED"),
        ("member", 403, "FORBIDDEN"),
        ("operator", 403, "FORBIDDEN"),
        ("meter", 403, "FORBIDDEN"),
    ],
)
async def test_others_may_not_import(site: Site, token: str | None, status: int, code: str) -> None:
    answer = await post(site, a_file(A=square()), token)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["extensions"]["code"] == code
    assert await stored(site) == (0, 0)


async def test_a_refused_file_is_reported_with_feature_reason_and_position(site: Site) -> None:
    answer = await post(site, a_file(A=square(), B=BOWTIE))

    report = answer.json()
    assert answer.status_code == 422
    assert report["faults"] == [
        {"feature": 1, "code": "B", "reason": "self-intersection", "position": [10.95, 44.65]},
    ]
    assert (report["faultCount"], report["created"]) == (1, 0)
    assert await stored(site) == (0, 0)


async def test_repair_is_a_parameter(site: Site) -> None:
    answer = await post(site, a_file(A=square(), B=BOWTIE), repair="structure")

    assert answer.status_code == 200
    assert answer.json()["repaired"] == [
        {"feature": 1, "code": "B", "reason": "self-intersection", "position": [10.95, 44.65]}
    ]


async def test_municipalities_come_with_their_people(site: Site) -> None:
    answer = await post(site, a_file(M=square()), kind="municipalities", population="people", populationYear="=2011")

    assert answer.status_code == 200
    async with site.database.reading() as connection:
        row = (await connection.execute(select(Municipality.population, Municipality.population_year))).one()
    assert row == (100, 2011)


async def test_the_file_may_be_gzipped_or_part_of_a_form(site: Site) -> None:
    zipped = await post(site, gzip.compress(a_file(A=square())))
    headers = {"Authorization": "Bearer admin"}
    files = {"file": ("areas.geojson", a_file(B=square(11.5)), "application/geo+json")}

    form = await site.client.post(imports.PATH, params=WHAT, files=files, headers=headers)

    assert (zipped.status_code, form.status_code) == (200, 200)
    assert (await stored(site))[0] == 2


@pytest.mark.parametrize(
    ("changes", "argument"),
    [
        ({"kind": None}, "kind"),
        ({"kind": "villages"}, "kind"),
        ({"code": None}, "code"),
        ({"name": ""}, "name"),
        ({"country": None}, "country"),
        ({"repair": "linework"}, "repair"),
        ({"colour": "red"}, "colour"),
        ({"name": "x" * 201}, "name"),
    ],
)
async def test_a_wrong_parameter_is_named(site: Site, changes: dict[str, Any], argument: str) -> None:
    answer = await post(site, a_file(A=square()), **changes)

    [error] = answer.json()["errors"]
    assert answer.status_code == 400
    assert (error["extensions"]["code"], error["extensions"]["argument"]) == ("BAD_USER_INPUT", argument)
    assert await stored(site) == (0, 0)


@pytest.mark.parametrize("content", [b"", b"[", b"{}", b"\x1f\x8b", b"\x00" * 100, b"\xff\xfe{", b"[" * 100_000])
async def test_a_body_that_is_no_file_of_areas_is_refused(site: Site, content: bytes) -> None:
    answer = await post(site, content)

    [fault] = answer.json()["faults"]
    assert answer.status_code == 422
    assert fault["feature"] is None
    assert await stored(site) == (0, 0)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"garbage"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--x--\r\n',
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\n{}\r\n--x--\r\n',
        ),
    ],
)
async def test_a_form_without_a_file_is_refused(site: Site, content_type: str, body: bytes) -> None:
    headers = {"Authorization": "Bearer admin", "Content-Type": content_type}

    answer = await site.client.post(imports.PATH, params=WHAT, content=body, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


async def test_a_body_beyond_the_limit_is_refused_while_it_comes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "BODY_LIMIT", BodyLimit(bytes_max=1_000, seconds_max=10))

    async def body() -> Any:
        for _ in range(100):
            yield b" " * 100

    answer = await post(site, body())

    assert answer.status_code == 413
    assert answer.json()["errors"][0]["extensions"]["code"] == "PAYLOAD_TOO_LARGE"
    assert await stored(site) == (0, 0)


async def test_only_post_is_offered(site: Site) -> None:
    assert (await site.client.get(imports.PATH)).status_code == 405
