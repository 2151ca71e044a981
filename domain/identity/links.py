"""Links of one use that are sent by mail: whoever opens one reads the mail of its address.

What opens a link is its id with a proof that only the platform can make (HMAC-SHA256 by a key from its settings). So it
is stored nowhere: not with the link, not in the message that brings it, not in a backup.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events import notices
from domain.events.notices import NewNotice, NoticeKind
from domain.identity import words
from domain.identity.tables import AccountLink, LinkPurpose
from domain.kernel.database import among, clock
from domain.kernel.errors import DomainError

PREFIX = "cwl_"
LIFETIMES: Mapping[LinkPurpose, timedelta] = {
    LinkPurpose.CONFIRM_REGISTRATION: timedelta(days=2),
    LinkPurpose.RESET_PASSWORD: timedelta(hours=1),
    LinkPurpose.CHANGE_EMAIL: timedelta(days=1),
}
LETTERS: Mapping[LinkPurpose, NoticeKind] = {
    LinkPurpose.CONFIRM_REGISTRATION: words.CONFIRM_REGISTRATION,
    LinkPurpose.RESET_PASSWORD: words.RESET_PASSWORD,
    LinkPurpose.CHANGE_EMAIL: words.CHANGE_EMAIL,
}
PURPOSES = {kind: purpose for purpose, kind in LETTERS.items()}


class LinkEnded(DomainError):
    """The link was used, replaced by a newer one, is too old, or never was; which one is not told."""

    def __init__(self) -> None:
        super().__init__("This link has ended or was used. Ask for a new one.")


def opener(key: bytes, link_id: UUID) -> str:
    """What opens a link."""
    return PREFIX + urlsafe_b64encode(link_id.bytes + _proof(key, link_id)).decode()


def opened(key: bytes, text: str) -> UUID:
    """The link that a text opens, if it is still good for anything. Raises LinkEnded for what we never made."""
    try:
        content = urlsafe_b64decode(text.removeprefix(PREFIX).encode("ascii"))
    except (NoBase64, UnicodeEncodeError, ValueError):
        raise LinkEnded from None
    if not text.startswith(PREFIX) or len(content) != 48:
        raise LinkEnded
    link_id = UUID(bytes=content[:16])
    if not hmac.compare_digest(content[16:], _proof(key, link_id)):
        raise LinkEnded
    return link_id


def _proof(key: bytes, link_id: UUID) -> bytes:
    return hmac.digest(key, b"link:" + link_id.bytes, "sha256")


async def send(session: AsyncSession, user_id: UUID, purpose: LinkPurpose, email: str) -> None:
    """A new link to an address, which takes the place of those that went out before for the same purpose."""
    await end(session, user_id, purpose)
    now = await clock(session)
    link = AccountLink(user_id=user_id, purpose=purpose, email=email, expires_at=now + LIFETIMES[purpose])
    session.add(link)
    await session.flush()
    facts = {"link_id": link.id, "address": email}
    await notices.tell(session, [NewNotice(user_id, LETTERS[purpose], facts)])


async def use(session: AsyncSession, link_id: UUID, purpose: LinkPurpose) -> AccountLink:
    """The link, ended from now on; of two that use it at once one waits, and is late. Raises LinkEnded."""
    query = select(AccountLink).where(AccountLink.id == link_id, AccountLink.purpose == purpose).with_for_update()
    link = (await session.scalars(query)).one_or_none()
    now = await clock(session)
    if link is None or link.ended_at is not None or link.expires_at <= now:
        raise LinkEnded
    link.ended_at = now
    return link


async def end(session: AsyncSession, user_id: UUID, *purposes: LinkPurpose) -> None:
    """Let links of a user open nothing any more; all of them where no purpose is named."""
    live = (AccountLink.user_id == user_id, among(AccountLink.purpose, purposes or tuple(LinkPurpose)))
    await session.execute(update(AccountLink).where(*live, AccountLink.ended_at.is_(None)).values(ended_at=func.now()))
