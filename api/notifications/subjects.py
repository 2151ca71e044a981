"""What a notification is about, and where a person can look at it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.engine.declarations import global_id
from domain.events.notices import NoticeKind


class Links:
    """Where an application shows an object, with {id} for its id, or None; set where a process starts."""

    template: str | None = None


def about(kind: NoticeKind, facts: Mapping[str, Any]) -> tuple[str, UUID] | None:
    """The entity and the key of what a notice is about; None where its facts do not say."""
    for fact, entity in kind.about:
        try:
            return entity, UUID(facts[fact])
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return None


def link_to(subject: tuple[str, UUID] | None) -> str | None:
    """Where a person can look at it; None where no application is known."""
    if subject is None or Links.template is None:
        return None
    return Links.template.replace("{id}", global_id(*subject))
