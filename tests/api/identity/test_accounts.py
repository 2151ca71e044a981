"""Accounts by links that came by mail: their tokens open once, and who asks learns nothing of an address."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from api.identity import guesses, opening
from api.notifications.mail import composed
from api.transport.terms.rates import LocalBuckets
from domain.communities.tables import LegalForm, Member
from domain.identity import credentials, links, sessions
from domain.identity.tables import AccountLink, Session, User
from domain.identity.viewers import Viewer
from domain.kernel.database import clock
from domain.notifications import deliveries, making
from tests.api.conftest import Answer, Execute
from tests.factories.identity import a_user

PASSWORD, NEXT = "correct horse battery", "staple of the horses"
NEW = "New@example.org"
FIELDS = {
    "register": "isSent",
    "requestPasswordReset": "isSent",
    "changeEmail": "isSent",
    "confirmEmail": "isConfirmed",
    "confirmRegistration": "accessToken",
    "resetPassword": "accessToken",
    "logIn": "accessToken",
    "changePassword": "user { id }",
    "endSession": "isEnded",
    "changeProfile": "user { name address phone }",
}


@dataclass
class Post:
    """People who act, and the mails that they get: address, title, and the token or nothing."""

    session: AsyncSession
    execute: Execute

    async def act(self, name: str, /, viewer: Viewer | None = None, **given: Any) -> Answer:
        kind = f"{name[0].upper()}{name[1:]}Input"
        document = f"mutation M($i: {kind}!) {{ {name}(input: $i) {{ {FIELDS[name]} errors {{ code path }} }} }}"
        return await self.execute(document, *([viewer] if viewer else []), i=given)

    async def done(self, name: str, /, viewer: Viewer | None = None, **given: Any) -> Any:
        answer = await self.act(name, viewer, **given)
        assert answer.refusals(name) == []
        return answer.data[name]

    async def refused(self, name: str, /, viewer: Viewer | None = None, **given: Any) -> list[str]:
        return [error["code"] for error in (await self.act(name, viewer, **given)).refusals(name)]

    async def mails(self) -> list[tuple[str, str, str | None]]:
        """What has gone out since it was last looked."""
        now = await clock(self.session)
        await making.take_notices(self.session, now=now, limit=100)
        sent = []
        for attempt in await deliveries.hand_out(self.session, now=now, limit=100):
            assert attempt.message is not None
            mail = composed(attempt.id, attempt.message, attempt.email, "Commonwatt <no-reply@localhost>")
            last = mail.get_content().strip().rpartition("\n")[2]
            sent.append((mail["To"], mail["Subject"], last if last.startswith("cwl_") else None))
        return sent

    async def token(self) -> str:
        [(_, _, token)] = await self.mails()
        assert token is not None
        return token

    async def signed_in(self, user: User) -> Viewer:
        tokens = await sessions.open_session(self.session, user.id, "A \x07browser")
        hashed = credentials.token_hash(tokens.access_token)
        session_id = await self.session.scalar(select(Session.id).where(Session.access_hash == hashed))
        return Viewer(user_id=user.id, session_id=session_id)


@pytest.fixture
def post(session: AsyncSession, execute: Execute, monkeypatch: pytest.MonkeyPatch) -> Post:
    monkeypatch.setattr(opening.Opening, "key", b"k" * 32)
    monkeypatch.setattr(guesses.Guesses, "buckets", LocalBuckets())
    monkeypatch.setattr(credentials, "hash_password", lambda password: password)  # In no time.
    monkeypatch.setattr(credentials, "is_password", lambda stored, password: stored == password)
    return Post(session, execute)


async def user_of(session: AsyncSession, email: str) -> User:
    found = select(User).where(func.lower(User.email) == email.lower())
    return (await session.scalars(found.execution_options(populate_existing=True))).one()


async def test_who_confirms_chooses_the_password_and_takes_up_what_waits(session: AsyncSession, post: Post) -> None:
    waiting = Member(name="Neu", legal_form=LegalForm.NATURAL_PERSON, awaited_email=NEW.upper())
    session.add(waiting)
    await post.done("register", email=NEW, name="Neu", language="DE")
    before = await post.refused("logIn", email=NEW, password="")
    [(address, title, token)] = await post.mails()

    made = await post.done("confirmRegistration", token=token, password=PASSWORD)

    await session.refresh(waiting)
    assert before == ["WRONG_CREDENTIALS"]
    assert (address, title) == (NEW, "Bestätigen Sie Ihre E-Mail-Adresse")
    assert made["accessToken"]
    assert (await post.done("logIn", email=NEW.lower(), password=PASSWORD))["accessToken"]
    assert waiting.user_id == (await user_of(session, NEW)).id


async def test_nobody_learns_whether_an_address_has_an_account(session: AsyncSession, post: Post) -> None:
    user = await a_user(session)
    await post.done("register", email="waits@example.org", name="x")
    await post.mails()
    emails = (user.email, "waits@example.org", "nobody@example.org")

    asked = [await post.done("requestPasswordReset", email=email) for email in emails]
    resets = {address: title for address, title, _ in await post.mails()}
    registered = [await post.done("register", email=email, name="x") for email in emails]
    told = {address: title for address, title, _ in await post.mails()}

    assert asked[1:] == asked[:-1]
    assert registered[1:] == registered[:-1]
    assert resets == {user.email: "Choose a new password", "waits@example.org": "Confirm your e-mail address"}
    assert told[user.email] == "You have an account already"
    assert {told[email] for email in emails[1:]} == {"Confirm your e-mail address"}


@pytest.mark.parametrize("ends", ["used", "replaced", "late", "forged", "of another purpose"])
async def test_a_link_opens_once_and_for_what_it_was_sent(session: AsyncSession, post: Post, ends: str) -> None:
    await post.done("register", email=NEW, name="x")
    token = await post.token()
    name = "confirmRegistration"
    if ends == "used":
        await post.done(name, token=token, password=PASSWORD)
    elif ends == "replaced":
        await post.done("register", email=NEW, name="x")
    elif ends == "late":
        await session.execute(update(AccountLink).values(expires_at=func.now() - timedelta(seconds=1)))
    elif ends == "forged":
        token = links_of_another_key(token)
    else:
        name = "resetPassword"

    assert await post.refused(name, token=token, password=NEXT) == ["LINK_ENDED"]
    assert (await user_of(session, NEW)).password_hash == (PASSWORD if ends == "used" else "")


def links_of_another_key(token: str) -> str:
    link_id = links.opened(b"k" * 32, token)
    return links.opener(b"j" * 32, UUID(str(link_id)))


async def test_a_new_password_ends_all_sessions_and_is_told(session: AsyncSession, post: Post) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    await post.signed_in(user)
    await post.done("requestPasswordReset", email=user.email)
    token = await post.token()

    await post.done("resetPassword", token=token, password=NEXT)

    live = select(func.count()).where(Session.user_id == user.id, Session.revoked_at.is_(None))
    assert await session.scalar(live) == 1
    assert await post.refused("logIn", email=user.email, password=PASSWORD) == ["WRONG_CREDENTIALS"]
    assert [mail[:2] for mail in await post.mails()] == [(user.email, "Your password was changed")]


async def test_a_password_is_changed_by_who_knows_it(session: AsyncSession, post: Post) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    here, elsewhere = [await post.signed_in(user) for _ in range(2)]

    wrong = await post.act("changePassword", here, password="guess", newPassword=NEXT)
    await post.done("changePassword", here, password=PASSWORD, newPassword=NEXT)

    revoked = {row.id: row.revoked_at for row in await session.execute(select(Session.id, Session.revoked_at))}
    assert wrong.refusals("changePassword") == [{"code": "INVALID_INPUT", "path": ["password"]}]
    assert revoked[here.session_id] is None
    assert revoked[elsewhere.session_id] is not None
    tries = [await post.act("changePassword", here, password="guess", newPassword=NEXT) for _ in range(9)]
    assert [error["code"] for error in tries[-1].errors] == ["RATE_LIMITED"]


DEVICES = """{ viewer { sessions(first: 5) { edges { node { id device isCurrent openedAt } } }
  apiKeys(first: 5) { edges { node { name } } } } }"""


async def test_a_person_sees_their_devices_and_signs_one_out(session: AsyncSession, post: Post) -> None:
    user = await a_user(session)
    here, there = [await post.signed_in(user) for _ in range(2)]
    await sessions.open_session(session, (await a_user(session)).id, "somebody else's")
    listed = (await post.execute(DEVICES, here)).data["viewer"]["sessions"]["edges"]

    other = next(edge["node"]["id"] for edge in listed if not edge["node"]["isCurrent"])
    await post.done("endSession", here, id=other)

    left = (await post.execute(DEVICES, here)).data["viewer"]["sessions"]["edges"]
    assert [(edge["node"]["device"], edge["node"]["isCurrent"]) for edge in listed] == [
        ("A browser", True),
        ("A browser", False),
    ]
    assert [edge["node"]["isCurrent"] for edge in left] == [True]
    assert await post.refused("endSession", here, id=other.replace(other[-4:], "0000")) == ["NOT_FOUND"]
    assert there.session_id is not None
    gone = await session.get_one(Session, there.session_id, populate_existing=True)
    assert gone.revoked_at is not None


async def test_another_address_counts_once_it_is_confirmed(session: AsyncSession, post: Post) -> None:
    user = await a_user(session, password_hash=PASSWORD)
    before = user.email
    await post.done("register", email=NEW, name="a stranger")
    await post.mails()
    viewer = await post.signed_in(user)
    await post.done("changeEmail", viewer, email=NEW, password=PASSWORD)
    [(address, _, token)] = await post.mails()
    unchanged = (await user_of(session, before)).id

    await post.done("confirmEmail", token=token)

    assert (address, unchanged) == (NEW, user.id)
    assert (await user_of(session, NEW)).id == user.id
    assert await post.mails() == [(before, "Your account has another e-mail address", None)]


async def test_the_address_of_another_account_is_not_to_be_had_and_its_owner_hears(
    session: AsyncSession, post: Post
) -> None:
    user, other = [await a_user(session, password_hash=PASSWORD) for _ in range(2)]

    answered = await post.done("changeEmail", await post.signed_in(user), email=other.email, password=PASSWORD)

    assert answered["isSent"]
    assert await post.mails() == [(other.email, "You have an account already", None)]


async def test_a_profile_changes_by_what_is_given(session: AsyncSession, post: Post) -> None:
    viewer = await post.signed_in(await a_user(session, name="Ada"))
    await post.done("changeProfile", viewer, address=" 1 rue des Pins\nEsch ", phone="+352 1234")

    changed = await post.done("changeProfile", viewer, name="Ada L.", phone="")

    assert changed["user"] == {"name": "Ada L.", "address": "1 rue des Pins\nEsch", "phone": None}


async def test_without_a_secret_nobody_registers_and_no_letter_goes_without_its_link(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    await post.done("register", email="earlier@example.org", name="x")
    monkeypatch.setattr(opening.Opening, "key", None)

    with pytest.raises(opening.NoLinks):
        await post.mails()
    assert await post.refused("register", email=NEW, name="x") == ["REFUSED"]
