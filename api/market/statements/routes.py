"""`GET /v1/statements`: a statement or credit note as a document.

    ?number=17 & format=pdf|csv|json

200 with the file; 400 for a parameter, or where the viewer has no such statement; 401.
"""

import asyncio
from collections.abc import Mapping

from sqlalchemy import select
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from api.market.statements.documents import MADE, Document
from api.resources.database import Database
from api.rest import acts
from api.transport.documents import responses
from api.transport.http.bodies import BodyLimit
from api.transport.terms.errors import BadUserInput, Forbidden
from api.transport.terms.identity import Authenticate
from domain.identity.tables import User
from domain.identity.viewers import Viewer
from domain.kernel.database import among
from domain.kernel.grammars import Malformed, whole_number_of
from domain.market.places.tables import Market
from domain.market.statements import billing, visibility
from domain.market.statements.tables import AccountStatement

PATH = "/v1/statements"
BODY_LIMIT = BodyLimit(bytes_max=1_024, seconds_max=5)
POINTS = 100
NUMBER_MAX = 2**31 - 1
PARAMETERS = frozenset({"number", "format"})


def routes(database: Database, authenticate: Authenticate) -> list[BaseRoute]:
    """The route; put `{PATH: BODY_LIMIT}` into the body limits of the transport."""

    async def give(request: Request) -> Response:
        viewer = await acts.signed_in(request, authenticate)
        if not viewer.may_read:
            raise Forbidden("Statements are for people, and for applications with the scope read.")
        number, file_format = _parameters(request.query_params)
        document = await _read(database, viewer, number)
        make, media_type = MADE[file_format]
        body = await asyncio.to_thread(make, document)
        headers = {
            **responses.STEADY_HEADERS,
            "Content-Disposition": f'attachment; filename="statement-{number}.{file_format}"',
        }
        return Response(body, headers=headers, media_type=media_type)

    return [acts.get(PATH, give)]


def _parameters(given: Mapping[str, str]) -> tuple[int, str]:
    unknown = sorted(set(given) - PARAMETERS)
    if unknown:
        raise BadUserInput(f"There is no parameter {unknown[0][:40]!r}.", argument=unknown[0][:40])
    number, file_format = given.get("number", ""), given.get("format", "")
    try:
        wanted = whole_number_of(number, NUMBER_MAX)
    except Malformed as error:
        raise BadUserInput("number must be that of a statement.", argument="number") from error
    if file_format not in MADE:
        raise BadUserInput(f"format must be one of {', '.join(MADE)}.", argument="format")
    return wanted, file_format


async def _read(database: Database, viewer: Viewer, number: int) -> Document:
    async with database.transaction() as session:
        query = select(AccountStatement).where(AccountStatement.sequence == number, visibility.statements(viewer))
        stated = (await session.scalars(query)).one_or_none()
        if stated is None:
            raise BadUserInput("You have no such statement.", argument="number")
        lines = await billing.lines_of(session, stated.id)
        names = select(Market.id, Market.name).where(among(Market.id, {line.market_id for line in lines}))
        corrected = select(AccountStatement.sequence).where(AccountStatement.id == stated.corrects_id)
        return Document(
            stated,
            lines,
            member=(await session.execute(select(User.name).where(User.id == stated.user_id))).scalar_one(),
            markets={row.id: row.name for row in await session.execute(names)},
            corrected_number=(await session.execute(corrected)).scalar_one_or_none(),
        )
