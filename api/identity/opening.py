"""What opens links about accounts, and how mails bring it; told to the process by its settings when it starts."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.resources.settings import Settings
from domain.events.notices import NoticeKind
from domain.identity import links
from domain.kernel.errors import DomainError


class NoLinks(DomainError):
    """The platform has no secret to make links with."""

    def __init__(self) -> None:
        super().__init__("This platform sends no links. Ask those who run it for an account or a password.")


class Opening:
    """The key of the proofs, and the page that passes them on."""

    key: bytes | None = None
    template: str | None = None


def begin(configured: Settings) -> None:
    """Take what the settings say."""
    Opening.template = configured.account_link_template
    if configured.secret is not None:
        Opening.key = hashlib.sha256(b"links:" + configured.secret.get_secret_value().encode()).digest()


def key() -> bytes:
    """What links are made with. Raises NoLinks."""
    if Opening.key is None:
        raise NoLinks
    return Opening.key


def link_in(kind: NoticeKind, facts: Mapping[str, Any]) -> str | None:
    """What a letter brings: a page, or its token where no page is known; None for one that brings no link.

    Raises NoLinks where this process has no secret, unlike the one that wrote it.
    """
    purpose = links.PURPOSES.get(kind)
    if purpose is None:
        return None
    token = links.opener(key(), UUID(facts["link_id"]))
    if Opening.template is None:
        return token
    return Opening.template.replace("{token}", token).replace("{purpose}", purpose.value.lower())
