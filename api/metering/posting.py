"""`POST /v1/readings`: a meter gateway posts what it has measured, as intervals or counter readings.

    {"readings": [
      {"point": "LU00...", "direction": "WITHDRAWN", "resolutionMinutes": 15,
       "start": "2026-01-15T00:00:00+01:00", "values": ["0.25", "0.3"]},
      {"point": "LU00...", "direction": "INJECTED", "resolutionMinutes": 15,
       "register": [{"at": "2026-01-15T00:00:00+01:00", "kwh": "1042.5"}, ...]}]}

Values are kWh, as text or JSON numbers, at most six decimals, read exactly; `quality` may be given and is MEASURED
otherwise. A METER key with the scope readings:write posts for points that its owner brings or administers, for the
days on which they take part. At most 10,000 values a call, all of them or none; an interval stands once in a call. The
same batch again changes nothing.

200 {"import", "created", "filled", "corrected", "unchanged", "held", "values", "isRepeated"}: counts of local days;
held ones wait for an administrator of the community (`MeteringPoint.heldReadings` in GraphQL).
400 not JSON or not of this shape, 401, 403, 413, 422 with what is wrong: {"errors": [{"index", "field", "reason"}]}.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.routing import BaseRoute

from api.resources import clock
from api.resources.database import Database
from api.rest import acts
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import BadUserInput, Forbidden, PayloadTooLarge
from api.transport.terms.identity import Authenticate
from domain.communities import filling, sight, visibility
from domain.communities.tables import Participation
from domain.identity.keys import POST_READINGS
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.errors import DomainError, InvalidValue
from domain.kernel.grammars import Malformed, OutOfRange, exact_json, instant_of
from domain.kernel.quantities import NotAQuantity, parse_micro
from domain.metering import batches, points, readings
from domain.metering.batches import BatchFault, BatchRefused, Entry
from domain.metering.days import blocks_of
from domain.metering.readings import FIRST_DAY
from domain.metering.tables import Direction, Quality

PATH = "/v1/readings"
BODY_LIMIT = BodyLimit(bytes_max=2 * 2**20, seconds_max=15)
POINTS = 20
VALUES_MAX = 10_000

Choice = TypeVar("Choice", bound=StrEnum)


def _listed(faults: Sequence[BatchFault]) -> dict[str, Any]:
    return {"errors": [{"index": fault.index, "field": fault.field, "reason": fault.reason} for fault in faults]}


def _of_the_whole(error: DomainError) -> dict[str, Any]:
    return _listed([BatchFault(0, "readings", error.message)])


REFUSALS: acts.Refusals = {
    BatchRefused: lambda error: _listed(error.faults),
    InvalidValue: _of_the_whole,
    DomainError: _of_the_whole,
}


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def post(request: Request) -> dict[str, Any]:
        return shown(await _post(request, database, authenticate))

    return [acts.post(PATH, post, REFUSALS)]


def shown(recorded: readings.Recorded) -> dict[str, Any]:
    """What became of an import, as clients see it."""
    return {
        "import": str(recorded.import_id),
        "created": recorded.created,
        "filled": recorded.filled,
        "corrected": recorded.corrected,
        "unchanged": recorded.unchanged,
        "held": recorded.held,
        "values": recorded.values,
        "isRepeated": recorded.is_repeated,
    }


async def _post(request: Request, database: Database, authenticate: Authenticate) -> readings.Recorded:
    gateway = await _gateway(request, authenticate)
    given = _entries(await acts.body_of(request, BODY_LIMIT.bytes_max))
    async with database.transaction() as session:
        assert gateway.user_id is not None
        owner = await sight.viewer_for(await session.connection(), gateway.user_id)
        codes = sorted({entry["point"] for entry in given if isinstance(entry.get("point"), str)})
        known = await points.by_code(session, codes, visibility.metering_points(owner))
        days = batches.assemble(_read(given, known), clock.now())
        blocks = blocks_of(days)
        await filling.check_days(session, blocks, by=owner)
        scope_id = await community_of(session, sorted({day.metering_point_id for day in days}))
        gate = await filling.gate_for(session, sorted({day.metering_point_id for day in days}), gateway.key)
        return await readings.record_days(
            session, blocks, source="post", sender=gateway.key, scope_id=scope_id, gate=gate
        )


async def community_of(session: AsyncSession, point_ids: Sequence[UUID]) -> UUID | None:
    """The one community that all these points take or took part in: its audit chain records their readings."""
    query = (
        select(Participation.community_id).where(among(Participation.metering_point_id, point_ids)).distinct().limit(2)
    )
    found = list(await session.scalars(query))
    return found[0] if len(found) == 1 else None


async def _gateway(request: Request, authenticate: Authenticate) -> Viewer:
    """Who posts."""
    viewer = await acts.signed_in(request, authenticate, "Send the key of a meter gateway.")
    if viewer.api_key_kind is not ApiKeyKind.METER or POST_READINGS not in viewer.scopes:
        raise Forbidden("Readings are posted with a METER key that has the scope readings:write.")
    return viewer


def _entries(body: bytes) -> list[dict[str, Any]]:
    """The entries of a body of the right shape. Raises BadUserInput, PayloadTooLarge."""
    try:
        document = exact_json(body)
    except Malformed as error:
        raise BadUserInput("The body is not JSON.") from error
    entries = document.get("readings") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or not all(isinstance(entry, dict) for entry in entries):
        raise BadUserInput('The body is {"readings": [{...}, ...]} with at least one entry.', argument="readings")
    count = sum(
        len(values)
        for entry in entries
        for values in (entry.get("values"), entry.get("register"))
        if isinstance(values, list)
    )
    if max(count, len(entries)) > VALUES_MAX:
        raise PayloadTooLarge(f"At most {VALUES_MAX} values a call, not {count}.", limit=VALUES_MAX)
    return entries


def _read(given: Sequence[dict[str, Any]], known: dict[str, Any]) -> list[Entry]:
    """Entries with their points. Raises BatchRefused naming every entry at fault."""
    entries: list[Entry] = []
    faults: list[BatchFault] = []
    for index, entry in enumerate(given):
        try:
            entries.append(_entry(index, entry, known))
        except BatchRefused as refusal:
            faults += refusal.faults
    if faults:
        raise BatchRefused(faults)
    return entries


def _entry(index: int, given: dict[str, Any], known: dict[str, Any]) -> Entry:
    code = given.get("point")
    point = known.get(code) if isinstance(code, str) else None
    if point is None:
        raise BatchRefused([BatchFault(index, "point", "is no metering point of this key's owner")])
    direction = _choice(Direction, index, given, "direction")
    if direction.value not in point.directions:
        raise BatchRefused([BatchFault(index, "direction", "is not measured by this metering point")])
    minutes = given.get("resolutionMinutes")
    if type(minutes) is not int or minutes not in (15, 30, 60):
        raise BatchRefused([BatchFault(index, "resolutionMinutes", "is 15, 30 or 60")])
    start, energy_ukwh = _energies(index, given, minutes)
    quality = _choice(Quality, index, {"quality": Quality.MEASURED} | given, "quality")
    return Entry(index, point.id, point.timezone, direction, minutes, quality, start, energy_ukwh)


def _energies(index: int, given: dict[str, Any], minutes: int) -> tuple[datetime, Sequence[int]]:
    values, register = given.get("values"), given.get("register")
    if isinstance(values, list) and register is None:
        energies = [_kwh(index, "values", place, value) for place, value in enumerate(values)]
        return _instant(index, "start", given.get("start")), energies
    if not isinstance(register, list) or values is not None:
        raise BatchRefused([BatchFault(index, "values", "give start and values, or register")])
    if not all(isinstance(reading, dict) for reading in register):
        raise BatchRefused([BatchFault(index, "register", 'holds readings {"at", "kwh"}')])
    at = [_instant(index, "register", reading.get("at")) for reading in register]
    counter = [_kwh(index, "register", place, reading.get("kwh")) for place, reading in enumerate(register)]
    return (at or [clock.now()])[0], batches.differences(index, at, counter, minutes)


def _kwh(index: int, field: str, place: int, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise BatchRefused([BatchFault(index, field, f'value {place} is no number or text such as "0.25"')])
    try:
        return parse_micro(value)
    except NotAQuantity as error:
        raise BatchRefused([BatchFault(index, field, f"value {place}: {error}")]) from error


def _instant(index: int, field: str, text: Any) -> datetime:
    try:
        return instant_of(text)
    except OutOfRange as error:
        raise BatchRefused([BatchFault(index, field, f"lies before {FIRST_DAY} or in the future")]) from error
    except Malformed as error:
        reason = "an instant is RFC 3339 text with an offset, such as 2026-01-15T00:00:00Z"
        raise BatchRefused([BatchFault(index, field, reason)]) from error


def _choice(kind: type[Choice], index: int, given: dict[str, Any], name: str) -> Choice:
    try:
        return kind(str(given.get(name)))
    except ValueError as error:
        raise BatchRefused([BatchFault(index, name, f"is one of {', '.join(kind)}")]) from error
