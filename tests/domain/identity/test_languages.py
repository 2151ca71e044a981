"""The language of a user: chosen, or as the browser asks."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit.tables import AuditEntry
from domain.identity import languages
from domain.identity.tables import Language, User
from tests.factories.identity import a_user


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("de", Language.DE),
        ("de-AT,de;q=0.9,en;q=0.8", Language.DE),
        ("FR-lu", Language.FR),
        ("lb-LU, fr;q=0.8, de;q=0.9, en;q=0.5", Language.DE),
        ("en;q=0.1 , it ; q=0.2", Language.IT),
        ("it;q=0, en;q=0.001", Language.EN),
        ("fr,de", Language.FR),
        ("zh-Hans-CN, it;q=0.3", Language.IT),
        ("pt-BR, *", None),
        ("de;q=2, it;q=x", None),
        ("deutsch", None),
        ("", None),
        ("\x00;;;,,,=", None),
        ("x," * 400 + "de", None),
    ],
)
def test_a_browser_asks_for_languages_by_their_quality(header: str, language: Language | None) -> None:
    assert languages.preferred(header) is language


async def state(session: AsyncSession, user: User) -> tuple[Language, bool, int]:
    await session.refresh(user)
    noted = select(func.count()).where(AuditEntry.act == "user.set_language", AuditEntry.subject_id == user.id)
    return user.language, user.is_language_chosen, (await session.execute(noted)).scalar_one()


async def test_who_has_not_chosen_is_told_as_the_last_browser_asked(session: AsyncSession) -> None:
    user = await a_user(session)
    states = [await state(session, user)]

    for header in ("fr-LU", "fr", "xx", "it, de"):
        await languages.take(session, user.id, header)
        states.append(await state(session, user))

    french, italian = (Language.FR, False, 1), (Language.IT, False, 2)
    assert states == [(Language.EN, False, 0), french, french, french, italian]


async def test_what_was_chosen_stays_whatever_browsers_ask_for(session: AsyncSession) -> None:
    user, other = await a_user(session), await a_user(session)

    for _ in range(2):
        await languages.choose(session, user.id, Language.EN)
    await languages.take(session, user.id, "de")

    assert await state(session, user) == (Language.EN, True, 1)
    assert await state(session, other) == (Language.EN, False, 0)
