"""Whatever happens, people read what it is about: in their language, by their clock, with names and never with keys."""

import re
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from api.notifications.subjects import Links
from domain.communities import sight
from domain.events import notices
from domain.events.notices import NewNotice, NoticeKind
from domain.events.tables import Notice
from domain.identity.tables import Language, User
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.ledger.words import PAYMENT
from domain.notifications.telling import circumstances, texts
from domain.notifications.telling.formats import Format
from tests.api.conftest import Execute
from tests.factories.identity import a_user
from tests.factories.notifications import a_message, take
from tests.factories.stories import STORIES, Read, Story

KEY = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{32}", re.IGNORECASE)
LIST = """{ viewer { notifications(last: 20) { edges { node {
  kind title body link subject { __typename id } } } } } }"""
SET = """mutation ($input: SetLanguageInput!) { setLanguage(input: $input) {
  user { language } errors { __typename code } } }"""
EACH_STORY = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


async def read_by(session: AsyncSession, execute: Execute, reader: Any) -> list[Mapping[str, Any]]:
    viewer = await sight.viewer_for(await session.connection(), reader)
    answer = await execute(LIST, viewer)
    assert answer.errors == []
    return [edge["node"] for edge in answer.data["viewer"]["notifications"]["edges"]]


def is_told(read: Read, node: Mapping[str, Any]) -> bool:
    """Whether a notification is what somebody must read."""
    return node["kind"] == read.kind and read.title in node["title"] and all(part in node["body"] for part in read.body)


@EACH_STORY
async def test_people_read_what_happened(
    session: AsyncSession, execute: Execute, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Links, "template", "https://app.example.org/{id}")
    expected = await story(session, execute)
    await take(session)

    for read in expected:
        nodes = await read_by(session, execute, read.reader)
        found = [node for node in nodes if is_told(read, node)]
        assert len(found) == 1, (read, nodes)
        assert found[0]["subject"]["__typename"] == read.subject
        assert found[0]["link"] == f"https://app.example.org/{found[0]['subject']['id']}"


@EACH_STORY
async def test_it_is_told_in_every_language_without_a_key(
    session: AsyncSession, execute: Execute, story: Story
) -> None:
    await story(session, execute)

    open_ = list(await session.scalars(select(Notice).order_by(Notice.id)))
    told = await circumstances.of(session, open_)
    for notice in open_:
        said = [
            texts.render(NoticeKind(notice.kind), told[notice.id], Format(language, "Europe/Rome"))
            for language in Language
        ]
        assert len({text.title for text in said}) == len({text.body for text in said}) == len(Language)
        for text in said:
            assert not KEY.search(text.title + text.body)
            assert "{" not in text.title + text.body


async def test_every_kind_of_notice_has_a_story(session: AsyncSession, execute: Execute) -> None:
    for story in STORIES:
        await story(session, execute)

    told = set(await session.scalars(select(Notice.kind)))

    assert told == {kind.value for kind in NoticeKind if not kind.is_letter}  # Letters: tests/api/identity.


async def test_one_notice_reaches_each_in_their_own_language(session: AsyncSession, execute: Execute) -> None:
    people = {language: await a_user(session) for language in Language}
    for language, user in people.items():
        answer = await execute(SET, Viewer(user_id=user.id), input={"language": language.value})
        assert answer.data["setLanguage"] == {"user": {"language": language.value}, "errors": []}

    facts: dict[str, Any] = {
        "kind": "DEPOSIT",
        "status": "SUCCEEDED",
        "payment_ueur": 1_234_500_000,
        "amount_ueur": 1_234_500_000,
    }
    await notices.tell(session, [NewNotice(user.id, PAYMENT, facts) for user in people.values()])
    await take(session)
    titles = {language: (await read_by(session, execute, user.id))[0]["title"] for language, user in people.items()}

    plain = {language: re.sub(r"\s", " ", title) for language, title in titles.items()}
    assert plain == {
        Language.EN: "Deposit received: +€1,234.50",
        Language.DE: "Einzahlung eingegangen: +1.234,50 €",
        Language.FR: "Dépôt reçu : +1 234,50 €",
        Language.IT: "Versamento ricevuto: +1.234,50 €",
    }


async def test_an_application_chooses_no_language(session: AsyncSession, execute: Execute) -> None:
    user = await a_user(session)
    application = Viewer(user_id=user.id, api_key_id=new_id(), scopes=frozenset({"read", "trade"}))

    answer = await execute(SET, application, input={"language": "DE"})

    assert [error["code"] for error in answer.errors] == ["FORBIDDEN"]
    assert (await session.get_one(User, user.id, populate_existing=True)).language is Language.EN


async def test_what_was_written_stays_as_it_was(session: AsyncSession, execute: Execute) -> None:
    user = await a_user(session)
    await a_message(session, user.id)

    await execute(SET, Viewer(user_id=user.id), input={"language": "IT"})
    await a_message(session, user.id)

    nodes = await read_by(session, execute, user.id)
    assert [node["title"] for node in nodes] == ["News of a payment", "Novità su un pagamento"]
    assert (await session.get_one(User, user.id, populate_existing=True)).is_language_chosen
