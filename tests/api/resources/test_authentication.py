"""A viewer that was kept costs one proof, and lets nobody in who ended."""

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.resources import clock
from api.resources.authentication import Authentication
from api.resources.database import Database
from api.transport.terms.errors import Unauthenticated
from domain.communities import sight
from domain.identity import credentials, keys, sessions, users
from domain.identity.tables import PlatformRole
from domain.identity.viewers import ANONYMOUS
from domain.kernel.database import new_id
from tests.api.conftest import OneTransaction
from tests.api.resources.site import ADDRESS, Site
from tests.factories.communities import a_community, a_member
from tests.factories.identity import a_user


@pytest.mark.parametrize("kind", ["session", "key"])
async def test_a_token_is_read_once_and_then_proven_by_one_statement(site: Site, kind: str) -> None:
    assert site.authenticate.known(site.tokens[kind]) is None
    read = await site.viewer(kind)
    site.sent.clear()

    again = await site.viewer(kind)

    assert again is read
    assert site.authenticate.known(site.tokens[kind]) is read
    assert read.user_id == site.user_id
    assert len(read.community_ids) == 1
    assert site.sent == []  # The proof goes by a bare connection.
    assert await site.proven(read)


async def test_nobody_needs_no_statement(site: Site) -> None:
    site.sent.clear()

    assert await site.authenticate(None, ADDRESS) is ANONYMOUS
    assert site.authenticate.known(None) is ANONYMOUS
    assert site.sent == []


@pytest.mark.parametrize("token", ["cwa_unknown", "cwp_unknown", "unknown", "", "é\x00"])
async def test_an_unknown_token_is_refused_and_not_kept(site: Site, token: str) -> None:
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await site.authenticate(token, ADDRESS)
        assert site.authenticate.known(token) is None


OF_BOTH = ("UPDATE user_account SET disabled_at = now() WHERE id = :user",)
ENDS = {
    "session": (
        "UPDATE session SET revoked_at = now()",
        "UPDATE session SET access_expires_at = now() - interval '1 second'",
        *OF_BOTH,
    ),
    "key": (
        "UPDATE api_key SET revoked_at = now()",
        "UPDATE api_key SET expires_at = now() - interval '1 second'",
        *OF_BOTH,
    ),
}


@pytest.mark.parametrize(("kind", "sql"), [(kind, sql) for kind, sqls in ENDS.items() for sql in sqls])
async def test_a_token_that_ended_a_statement_ago_is_refused(site: Site, kind: str, sql: str) -> None:
    claim = await site.viewer(kind)

    await site.change(sql)

    assert site.authenticate.known(site.tokens[kind]) is claim  # Which is why it has to be proven.
    assert not await site.proven(claim)
    with pytest.raises(Unauthenticated):
        await site.viewer(kind)
    assert site.authenticate.known(site.tokens[kind]) is None


@pytest.mark.parametrize("everywhere", [False, True])
async def test_signing_out_ends_the_session_at_once(site: Site, everywhere: bool) -> None:
    claim = await site.viewer("session")
    assert claim.session_id is not None

    async with site.database.transaction() as session:
        await sessions.close(session, claim.session_id, everywhere=everywhere)

    assert not await site.proven(claim)
    with pytest.raises(Unauthenticated):
        await site.viewer("session")


async def test_signing_out_elsewhere_ends_this_session_too(site: Site) -> None:
    await site.viewer("session")
    async with site.database.transaction() as session:
        other = (await sessions.open_session(session, site.user_id)).access_token
    elsewhere = await site.authenticate(other, ADDRESS)
    assert elsewhere.session_id is not None

    async with site.database.transaction() as session:
        await sessions.close(session, elsewhere.session_id, everywhere=True)

    for token in (other, site.tokens["session"]):
        with pytest.raises(Unauthenticated):
            await site.authenticate(token, ADDRESS)


async def test_a_stolen_refresh_token_ends_the_family(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "GRACE", timedelta(0))
    claim = await site.viewer("session")

    for _ in range(2):
        async with site.database.transaction() as session:
            await sessions.rotate(session, site.refresh_token)

    assert not await site.proven(claim)
    with pytest.raises(Unauthenticated):
        await site.viewer("session")


async def test_a_revoked_key_is_refused_at_once(site: Site) -> None:
    claim = await site.viewer("key")
    assert claim.api_key_id is not None

    async with site.database.transaction() as session:
        await keys.revoke_key(session, claim.api_key_id, owner_id=site.user_id)

    assert not await site.proven(claim)
    with pytest.raises(Unauthenticated):
        await site.viewer("key")


async def test_a_membership_that_ended_is_seen_by_nobody(site: Site) -> None:
    for kind in ("session", "key"):
        claim = await site.viewer(kind)
        assert claim.community_ids

        await site.change("UPDATE membership SET valid_to = current_date")

        assert not await site.proven(claim)
        now = await site.viewer(kind)
        assert now.community_ids == frozenset()
        assert await site.proven(now)
        await site.change("UPDATE membership SET valid_to = NULL")


async def test_a_role_that_was_given_holds_at_once(site: Site) -> None:
    assert not (await site.viewer("session")).is_admin

    async with site.database.transaction() as session:
        await users.grant_role(session, site.user_id, PlatformRole.ADMIN, actor="test")

    assert (await site.viewer("session")).is_admin


async def test_a_change_that_is_rolled_back_is_none(site: Site) -> None:
    claim = await site.viewer("session")

    async with site.database.transaction() as session:
        await session.execute(text("UPDATE membership SET valid_to = current_date"))
        assert await site.proven(claim)  # Nothing has happened yet.
        await session.rollback()

    assert await site.viewer("session") is claim


class Later:
    """A clock that is ahead."""

    ahead = timedelta(0)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> type[Later]:
    now = clock.outside
    monkeypatch.setattr(clock, "outside", lambda: now() + Later.ahead)
    monkeypatch.setattr(Later, "ahead", timedelta(0))
    return Later


@pytest.mark.parametrize(("kind", "ends"), [("session", sessions.ACCESS_LIFETIME), ("key", sight.USE_NOTED_EVERY)])
async def test_what_is_known_has_an_end(
    site: Site, monkeypatch: pytest.MonkeyPatch, later: type[Later], kind: str, ends: timedelta
) -> None:
    """Sessions expire, and the use of keys is to be noted again."""
    claim = await site.viewer(kind)

    monkeypatch.setattr(later, "ahead", ends - timedelta(seconds=5))
    assert site.authenticate.known(site.tokens[kind]) is claim

    monkeypatch.setattr(later, "ahead", ends)
    assert site.authenticate.known(site.tokens[kind]) is None


async def test_the_use_of_a_key_is_noted_to_the_minute(
    site: Site, monkeypatch: pytest.MonkeyPatch, later: type[Later]
) -> None:
    """However many processes keep it, and by either way to use what is kept."""
    other_process = Authentication(site.database)
    unnoted, used = [], (site.authenticate, other_process)

    for seconds in range(0, 300, 7):
        monkeypatch.setattr(later, "ahead", timedelta(seconds=seconds))
        process = used[seconds % 2]
        process.known(site.tokens["key"]) or await process(site.tokens["key"], ADDRESS)
        row = await site.database.fetch("SELECT last_used_at FROM api_key")
        assert row is not None
        unnoted.append((clock.outside() - row[0]).total_seconds())

    assert max(unnoted) < 60
    assert sum(seconds < 1 for seconds in unnoted) == 5  # Once in about a minute, not each time.


async def test_no_more_viewers_are_kept_than_allowed_and_the_unused_go_first(site: Site) -> None:
    async with site.database.transaction() as session:
        tokens = [(await sessions.open_session(session, site.user_id)).access_token for _ in range(4)]
    authenticate = Authentication(site.database, kept_max=3)
    for token in tokens[:3]:
        await authenticate(token, ADDRESS)

    authenticate.known(tokens[0])
    await authenticate(tokens[3], ADDRESS)

    assert [authenticate.known(token) is not None for token in tokens] == [True, False, True, True]


async def test_a_forgotten_token_is_read_anew(site: Site) -> None:
    claim = await site.viewer("session")

    site.authenticate.forget(site.tokens["session"])
    site.authenticate.forget("cwa_never_seen")

    assert site.authenticate.known(site.tokens["session"]) is None
    assert await site.viewer("session") == claim


async def test_tokens_are_not_kept(site: Site) -> None:
    """A dump of the process's memory tells no token by way of this cache."""
    token = site.tokens["session"]
    await site.viewer("session")

    kept = {id(site.authenticate): site.authenticate}
    waiting: list[Any] = [site.authenticate._kept]
    while waiting:
        found = waiting.pop()
        if id(found) not in kept and not isinstance(found, type):
            kept[id(found)] = found
            waiting += gc.get_referents(found)

    assert credentials.token_hash(token) in site.authenticate._kept
    assert not any(isinstance(found, str) and token in found for found in kept.values())


async def test_many_changes_at_once_are_all_told_and_none_waits_for_ever(site: Site) -> None:
    """Transactions that change the same users in other orders."""
    async with site.database.transaction() as session:
        others = [await a_user(session) for _ in range(8)]
        community = await a_community(session)
        members = [await a_member(session, user) for user in others]

    async def end(number: int) -> None:
        async with site.database.transaction() as session:
            order = members if number % 2 else members[::-1]
            rows = ", ".join(
                f"('{new_id()}', '{community.id}', '{member.id}', '{{MEMBER}}', 'CONSUMER', "
                f"date '2025-01-01' + {number}, date '2025-01-01' + {number + 1})"
                for member in order
            )
            columns = "id, community_id, member_id, roles, kind, valid_from, valid_to"
            await session.execute(text(f"INSERT INTO membership ({columns}) VALUES {rows}"))

    async def versions() -> list[int]:
        row = await site.database.fetch(
            "SELECT array_agg(sight_version ORDER BY id) FROM user_account WHERE id = ANY ($1)",
            ([user.id for user in others],),
        )
        assert row is not None
        return list(row[0])

    before = await versions()
    await asyncio.gather(*(end(number) for number in range(20)))

    assert all(then + 20 <= now for then, now in zip(before, await versions(), strict=True))


async def test_a_change_is_told_as_none_was_before_the_database_was_put_back(site: Site) -> None:
    """An API that was not restarted still keeps viewers of the time that was undone."""
    ended, begun = ("UPDATE membership SET valid_to = current_date", "UPDATE membership SET valid_to = NULL")
    (first,) = await _fetched(site, "SELECT sight_version FROM user_account WHERE id = $1")
    await site.change(ended)
    undone = await site.viewer("session")

    await site.change(f"UPDATE user_account SET sight_version = {first} WHERE id = :user")
    await site.change(begun)

    assert not await site.proven(undone)


async def _fetched(site: Site, sql: str) -> tuple[int, ...]:
    row = await site.database.fetch(sql, (site.user_id,))
    assert row is not None
    return tuple(row)


async def test_a_viewer_changed_while_it_was_read_is_read_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a slow request keeps may be older than what a fast one kept: it is a claim all the same."""
    old = await site.viewer("session")
    await site.change("UPDATE membership SET valid_to = current_date")
    monkeypatch.setattr(sight, "viewer_of", AsyncMock(return_value=old))
    site.authenticate.forget(site.tokens["session"])
    await site.viewer("session")
    monkeypatch.undo()

    assert (await site.viewer("session")).community_ids == frozenset()


async def test_tests_prove_in_their_own_transaction(session: AsyncSession) -> None:
    """The stand-in for a database reads what the test has not committed."""
    user = await a_user(session)
    token = (await sessions.open_session(session, user.id)).access_token
    authenticate = Authentication(cast(Database, OneTransaction(session)))
    claim = await authenticate(token, ADDRESS)
    assert await authenticate(token, ADDRESS) is claim

    user.disabled_at = datetime.now(UTC)
    await session.flush()

    with pytest.raises(Unauthenticated):
        await authenticate(token, ADDRESS)
