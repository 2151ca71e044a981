"""People who pay, what they have, and acts that are refused without a trace."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from domain.identity.viewers import Viewer
from domain.kernel.errors import DomainError
from domain.kernel.tables import Base
from domain.ledger.tables import Transfer, TransferKind, TransferPhase
from tests.factories.identity import a_user
from tests.factories.ledger import EUR, a_deposit, the_wallet


async def a_payer(session: AsyncSession, eur: str = "") -> Viewer:
    """A signed-in person without a market's million; with some money where it is given."""
    payer = Viewer(user_id=(await a_user(session)).id)
    if eur:
        await a_deposit(session, owner_of(payer), eur)
    return payer


def owner_of(viewer: Viewer) -> UUID:
    assert viewer.user_id is not None
    return viewer.user_id


async def money_of(session: AsyncSession, viewer: Viewer) -> tuple[int, int, int]:
    """Available, held, receivable, EUR."""
    wallet = await the_wallet(session, owner_of(viewer))
    return wallet.available_ueur // EUR, wallet.held_ueur // EUR, wallet.receivable_ueur // EUR


async def transfers_of(session: AsyncSession, payment_id: UUID) -> list[tuple[TransferKind, TransferPhase]]:
    query = select(Transfer.kind, Transfer.phase).where(Transfer.subject_id == payment_id).order_by(Transfer.id)
    return [(kind, phase) for kind, phase in await session.execute(query)]


async def stored(session: AsyncSession) -> dict[str, Any]:
    """Of each table how many rows it has and a sum of their digests."""
    await session.flush()
    return {
        name: (await session.execute(text(f"SELECT count(*), sum(hashtext(t::text)::bigint) FROM {name} t"))).one()
        for name in Base.metadata.tables
    }


async def refused(session: AsyncSession, error: type[DomainError], act: Any) -> Any:
    """The refusal; nothing was changed by it."""
    before = await stored(session)
    with pytest.raises(error) as told:
        async with session.begin_nested():
            await act()
    assert await stored(session) == before
    return told.value
