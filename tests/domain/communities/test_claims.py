"""A viewer that was kept is believed only as long as nothing about it has changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from domain.communities import sight
from domain.identity import keys, sessions, users
from domain.identity.tables import ApiKeyKind, PlatformRole, User
from domain.identity.viewers import ANONYMOUS, PARAMETER, Viewer, value_of
from tests.factories.communities import ADMIN_ROLES, a_community, a_member, a_membership
from tests.factories.geography import a_market_zone
from tests.factories.identity import a_user, a_viewer

NOW = datetime.now(UTC)
SCOPES = frozenset({keys.READ, keys.TRADE})


@dataclass
class Story:
    """A user with a role and two memberships, one of them of the past, and somebody else."""

    session: AsyncSession
    ids: dict[str, Any]

    async def run(self, sql: str) -> None:
        """A statement of whoever, past all our operations."""
        await self.session.execute(text(sql), {name: self.ids[name] for name in self.ids if f":{name}" in sql})

    async def viewer(self, kind: str) -> Viewer:
        viewer = await sight.viewer_of(
            await self.session.connection(), self.ids[f"{kind}_token"], now=datetime.now(UTC)
        )
        assert viewer is not None
        return viewer

    async def stands(self, viewer: Viewer) -> bool:
        """As told for the viewer, for its shape and among many, which must agree."""
        connection = await self.session.connection()
        bound = (await connection.execute(select(sight.stands(viewer)))).scalar_one()
        of_shape = select(sight.stands(viewer.shape))
        values = {name: value_of(viewer, name) for name in _parameters(of_shape)}
        shaped = (await connection.execute(of_shape, values)).scalar_one()
        among_many = viewer.claim in await sight.still_standing(
            fetch_of(connection), [viewer, a_viewer(session_id=None)]
        )
        assert bound == shaped == among_many
        return bool(bound)


def fetch_of(connection: AsyncConnection) -> sight.Fetch:
    """Past SQLAlchemy, in the same transaction."""

    async def fetch(sql: str, values: Sequence[Any]) -> Sequence[Any] | None:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        row: Sequence[Any] | None = await driver.fetchrow(sql, *values)
        return row

    return fetch


@pytest.fixture
async def story(session: AsyncSession) -> Story:
    user, other = await a_user(session), await a_user(session)
    member, community = await a_member(session, user), await a_community(session)
    membership = await a_membership(session, community, member, roles=ADMIN_ROLES)
    past = await a_membership(session, await a_community(session), member, valid_to=date(2025, 6, 1))
    zone = await a_market_zone(session)
    await users.grant_role(session, user.id, PlatformRole.GRID_OPERATOR, actor="test", zone_id=zone.id)
    tokens = await sessions.open_session(session, user.id)
    ends = NOW + timedelta(days=1)
    key_id, key_token = await keys.create_key(session, user.id, ApiKeyKind.PARTNER, "x", SCOPES, ends)
    await session.flush()
    return Story(
        session,
        {
            "user": user.id,
            "other": other.id,
            "member": member.id,
            "strange_member": (await a_member(session)).id,
            "community": community.id,
            "membership": membership.id,
            "past_membership": past.id,
            "zone": zone.id,
            "session_token": tokens.access_token,
            "key_token": key_token,
            "key": key_id,
        },
    )


A_MEMBERSHIP = "INSERT INTO membership (id, community_id, member_id, roles, kind, valid_from) VALUES "
OF_BOTH = {
    "the user is disabled": "UPDATE user_account SET disabled_at = now() WHERE id = :user",
    "a role is given": "INSERT INTO user_role (id, user_id, role) VALUES (gen_random_uuid(), :user, 'ADMIN')",
    "a role is taken": "DELETE FROM user_role WHERE user_id = :user",
    "all roles are taken": "TRUNCATE user_role",
    "a role is moved": "UPDATE user_role SET user_id = :other WHERE user_id = :user",
    "a membership is added": A_MEMBERSHIP
    + "(gen_random_uuid(), (SELECT community_id FROM membership WHERE id = :past_membership), :member, "
    "'{MEMBER}', 'CONSUMER', '2026-01-01')",
    "a membership ends": "UPDATE membership SET valid_to = current_date WHERE id = :membership",
    "a membership comes back": "UPDATE membership SET valid_to = NULL WHERE id = :past_membership",
    "the roles of a membership change": "UPDATE membership SET roles = '{MEMBER}' WHERE id = :membership",
    "a membership is deleted": "DELETE FROM membership WHERE id = :membership",
    "a membership passes to another": "UPDATE membership SET member_id = :strange_member WHERE id = :membership",
    "all memberships are deleted": "DO $$ BEGIN ALTER TABLE member_card DISABLE TRIGGER append_only; "
    "TRUNCATE membership CASCADE; END $$",
    "the member is assigned to another": "UPDATE member SET user_id = :other WHERE id = :member",
    "the member is assigned to nobody": "UPDATE member SET user_id = NULL WHERE id = :member",
    "another member is assigned": "UPDATE member SET user_id = :user WHERE id = :strange_member",
    "a new member is made": "INSERT INTO member (id, user_id, name, legal_form) "
    "VALUES (gen_random_uuid(), :user, 'Ada', 'SME')",
    "both go in one statement": "WITH ended AS (DELETE FROM membership WHERE member_id = :member) "
    "UPDATE member SET user_id = NULL WHERE id = :member",
}
OF_ONE = {
    ("session", "it is revoked"): "UPDATE session SET revoked_at = now() WHERE user_id = :user",
    ("session", "it expires"): "UPDATE session SET access_expires_at = now() WHERE user_id = :user",
    ("session", "it is deleted"): "DELETE FROM session WHERE user_id = :user",
    ("session", "it passes to another"): "UPDATE session SET user_id = :other WHERE user_id = :user",
    ("key", "it is revoked"): "UPDATE api_key SET revoked_at = now() WHERE id = :key",
    ("key", "it expires"): "UPDATE api_key SET expires_at = now() WHERE id = :key",
    ("key", "it is deleted"): "DELETE FROM api_key WHERE id = :key",
    ("key", "it passes to another"): "UPDATE api_key SET owner_id = :other WHERE id = :key",
    ("key", "it may do less"): "UPDATE api_key SET scopes = '{read}' WHERE id = :key",
    ("key", "it is of another kind"): "UPDATE api_key SET kind = 'METER' WHERE id = :key",
}
WAYS = {**OF_ONE, **{(kind, way): sql for kind in ("session", "key") for way, sql in OF_BOTH.items()}}
HARMLESS = {
    "another's role changes": "INSERT INTO user_role (id, user_id, role) VALUES (gen_random_uuid(), :other, 'ADMIN')",
    "a member of nobody is made": "INSERT INTO member (id, name, legal_form) VALUES (gen_random_uuid(), 'A', 'SME')",
    "a member of nobody joins": A_MEMBERSHIP
    + "(gen_random_uuid(), :community, :strange_member, '{MEMBER}', 'CONSUMER', current_date)",
    "the use of the key is noted": "UPDATE api_key SET last_used_at = now() WHERE id = :key",
    "another session ends": "UPDATE session SET revoked_at = now() WHERE user_id = :other",
    "nothing is changed": "UPDATE membership SET valid_to = NULL WHERE false",
    "the user is renamed": "UPDATE user_account SET name = 'Grace' WHERE id = :user",
}


@pytest.mark.parametrize(("kind", "way"), WAYS)
async def test_whatever_ends_or_changes_a_viewer_is_noticed_in_the_next_statement(
    session: AsyncSession, story: Story, kind: str, way: str
) -> None:
    viewer = await story.viewer(kind)
    assert await story.stands(viewer)

    await _as_the_owner(session)
    await story.run(WAYS[kind, way])

    assert not await story.stands(viewer)


@pytest.mark.parametrize("kind", ["session", "key"])
@pytest.mark.parametrize("change", HARMLESS)
async def test_what_does_not_concern_a_viewer_changes_nothing(story: Story, change: str, kind: str) -> None:
    viewer = await story.viewer(kind)

    await story.run(HARMLESS[change])

    assert await story.stands(viewer)
    assert await story.viewer(kind) == viewer


@pytest.mark.parametrize("change", [way for way, sql in OF_BOTH.items() if sql.startswith(("INSERT", "UPDATE"))])
async def test_the_application_itself_counts_too(story: Story, change: str) -> None:
    """With its own rights, which are not to delete."""
    viewer = await story.viewer("session")

    await story.run(OF_BOTH[change])

    assert not await story.stands(viewer)


@pytest.mark.parametrize("kind", ["session", "key"])
async def test_a_viewer_of_another_day_is_read_again(story: Story, kind: str) -> None:
    """Memberships begin and end with days, which no statement tells."""
    viewer = await story.viewer(kind)
    assert viewer.day is not None

    assert not await story.stands(replace(viewer, day=viewer.day - timedelta(days=1)))


async def test_a_change_back_is_a_change(story: Story) -> None:
    viewer = await story.viewer("session")

    for owner in ("strange_member", "member"):
        await story.run(f"UPDATE membership SET member_id = :{owner} WHERE id = :membership")

    assert not await story.stands(viewer)
    assert replace(await story.viewer("session"), version=viewer.version) == viewer


async def test_who_claims_nothing_has_nothing_to_prove(story: Story) -> None:
    assert await story.stands(ANONYMOUS)
    assert await story.stands(a_viewer())


async def test_many_are_proven_in_one_statement(session: AsyncSession, story: Story) -> None:
    connection = await session.connection()
    person, key = await story.viewer("session"), await story.viewer("key")
    await story.run("UPDATE membership SET valid_to = current_date WHERE id = :membership")
    person_now, ended = await story.viewer("session"), await story.viewer("key")
    await story.run("UPDATE api_key SET revoked_at = now() WHERE id = :key")

    standing = await sight.still_standing(fetch_of(connection), [person, key, person_now, ended, ANONYMOUS])

    assert standing == {person_now.claim, None}


async def test_a_statement_for_a_shape_names_what_the_viewer_brings(story: Story) -> None:
    """And is the same for all viewers of a shape, so that one text serves them."""
    for kind, token_id in (("session", "session_id"), ("key", "api_key_id")):
        viewer = await story.viewer(kind)
        proof = sight.stands(viewer.shape)
        assert _parameters(proof) == {f"{PARAMETER}{name}" for name in (token_id, "user_id", "version", "day")}
        other = replace(viewer, user_id=story.ids["other"], version=7)
        assert str(sight.stands(other.shape)) == str(proof)


async def test_a_claim_is_proven_beside_whatever_is_read(session: AsyncSession, story: Story) -> None:
    """Also beside the very tables it looks at."""
    viewer = await story.viewer("session")
    emails = select(User.id, sight.stands(viewer)).where(User.id.in_([story.ids["user"], story.ids["other"]]))

    rows = (await session.execute(emails)).all()

    assert {tuple(row) for row in rows} == {(story.ids["user"], True), (story.ids["other"], True)}


@pytest.mark.parametrize("kind", ["session", "key"])
async def test_a_viewer_is_read_in_one_statement(story: Story, kind: str, statements: list[str]) -> None:
    await story.viewer(kind)  # Notes the use of the key.
    statements.clear()

    viewer = await story.viewer(kind)

    assert len(statements) == 1
    assert viewer.member_ids == {story.ids["member"]}
    assert viewer.community_ids == {story.ids["community"]}
    of_person = kind == "session"
    assert viewer.administered_ids == ({story.ids["community"]} if of_person else frozenset())
    assert viewer.roles == ({PlatformRole.GRID_OPERATOR} if of_person else frozenset())
    assert viewer.operated_zone_ids == ({story.ids["zone"]} if of_person else frozenset())
    assert viewer.scopes == (frozenset() if of_person else SCOPES)


@pytest.fixture
def statements(engine: AsyncEngine) -> Iterator[list[str]]:
    """What was sent to the database, in order."""
    sent: list[str] = []

    def note(*facts: Any) -> None:
        sent.append(facts[2])

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine.sync_engine, "before_cursor_execute", note)


def _parameters(statement: Any) -> set[str]:
    return {str(parameter.key) for parameter in statement.compile().bind_names}


async def _as_the_owner(session: AsyncSession) -> None:
    await session.execute(text("SET LOCAL ROLE NONE"))
