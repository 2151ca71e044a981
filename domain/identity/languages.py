"""Languages: which one a user is told in, as chosen, or else as the browser asked at the last log-in."""

import re
from uuid import UUID

from sqlalchemy import or_, true, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.audit import entries
from domain.identity.tables import Language, User

RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,32})?\s*(?:;\s*[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?")
HEADER_MAX = 500  # Characters; what comes after them is not looked at.


def preferred(accept_language: str) -> Language | None:
    """What a browser asks for (RFC 9110, section 12.5.4) of the languages there are: "de-AT" is German; of equals the
    first. None where it asks for none of them.
    """
    found: list[tuple[float, Language]] = []
    for part in accept_language[:HEADER_MAX].split(","):
        asked = RANGE.fullmatch(part)
        code, quality = (asked[1].upper(), float(asked[2] or 1)) if asked else ("", 0.0)
        if code in Language.__members__ and quality:
            found.append((quality, Language(code)))
    return max(found, key=lambda each: each[0], default=(0.0, None))[1]


async def choose(session: AsyncSession, user_id: UUID, language: Language) -> None:
    """Tell a user in a language from now on, whatever browsers ask for."""
    await _keep(session, user_id, language, is_chosen=True)


async def take(session: AsyncSession, user_id: UUID, accept_language: str) -> None:
    """At log-in, tell a user who has chosen none in the language that the browser asks for."""
    language = preferred(accept_language)
    if language is not None:
        await _keep(session, user_id, language, is_chosen=False)


async def _keep(session: AsyncSession, user_id: UUID, language: Language, *, is_chosen: bool) -> None:
    """Keep a language where it is news; what a browser asks for never replaces what was chosen."""
    is_news = or_(User.language != language, ~User.is_language_chosen) if is_chosen else User.language != language
    kept = update(User).where(User.id == user_id, is_news, true() if is_chosen else ~User.is_language_chosen)
    kept = kept.values(language=language, is_language_chosen=is_chosen)
    if (await session.execute(kept.returning(User.id))).scalar_one_or_none() is not None:
        facts = {"language": language.value, "is_chosen": is_chosen}
        subject = ("User", user_id)
        await entries.record(session, "user.set_language", actor=f"user:{user_id}", subject=subject, facts=facts)
