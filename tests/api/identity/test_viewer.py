"""The viewer as clients keep it: one thing in their caches, and nobody's node."""

from sqlalchemy.ext.asyncio import AsyncSession

from tests.api.conftest import Execute
from tests.factories.identity import a_user, viewer_of


async def test_what_one_account_reads_of_itself_is_one_thing(session: AsyncSession, execute: Execute) -> None:
    one, other = [await viewer_of(session, await a_user(session)) for _ in range(2)]

    ids = [(await execute("{ viewer { id user { name } } }", who)).data["viewer"]["id"] for who in (one, one, other)]

    assert ids[0] == ids[1] != ids[2]
    asked = await execute("query Q($id: ID!) { node(id: $id) { id } }", one, id=ids[0])
    assert (asked.errors or [], asked.data) == ([], {"node": None})
