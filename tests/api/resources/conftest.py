"""A site whose statements are counted."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event

from api.resources.authentication import Authentication
from api.resources.database import connect
from domain.identity import keys, sessions
from domain.identity.tables import ApiKeyKind
from tests.api.resources.site import Site
from tests.factories.communities import a_community, a_member, a_membership
from tests.factories.identity import a_user


@pytest.fixture
async def site(fresh_database: str) -> AsyncIterator[Site]:
    database = connect(fresh_database, role="commonwatt_app", pool=4)
    sent: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *facts: sent.append(facts[2]))
    async with database.transaction() as session:
        user = await a_user(session)
        await a_membership(session, await a_community(session), await a_member(session, user))
        opened = await sessions.open_session(session, user.id)
        ends = datetime.now(UTC) + timedelta(days=1)
        _, key = await keys.create_key(session, user.id, ApiKeyKind.PARTNER, "x", frozenset({keys.READ}), ends)
    tokens = {"session": opened.access_token, "key": key}
    yield Site(database, Authentication(database), user.id, tokens, opened.refresh_token, sent)
    await database.close()
