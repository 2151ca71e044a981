"""Typed rows, written by one array per column and read back."""

from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import Uuid, select
from sqlalchemy.ext.asyncio import AsyncSession

from domain.events.tables import Event, EventStream, Notice
from domain.kernel import sql
from domain.kernel.database import new_id
from domain.kernel.sql import Statement
from domain.kernel.tables import Base
from domain.kernel.writing import Insertion, Rows
from domain.ledger.tables import Entry, Transfer


class NoticeRow(NamedTuple):
    id: UUID
    kind: str
    facts: str


class StreamRow(NamedTuple):
    stream: str
    sequence: int


NOTICES = Insertion("notice_tested", NoticeRow, Notice, same=("user_id",))
STREAMS = Insertion("stream_tested", StreamRow, EventStream, last="ON CONFLICT DO NOTHING")


async def test_rows_are_stored_with_what_is_the_same_in_all_and_with_defaults(session: AsyncSession) -> None:
    user_id, rows = new_id(), [NoticeRow(new_id(), "ORDER_FILLED", '{"n": 1}'), NoticeRow(new_id(), "PAYMENT", "{}")]

    await NOTICES.write(session, rows, user_id=user_id)

    stored = (await session.scalars(select(Notice).where(Notice.user_id == user_id).order_by(Notice.id))).all()
    assert [(each.id, each.kind, each.facts) for each in stored] == [
        (rows[0].id, "ORDER_FILLED", {"n": 1}),
        (rows[1].id, "PAYMENT", {}),
    ]
    assert [each.taken_at for each in stored] == [None, None]


async def test_one_statement_stores_rows_of_several_tables_and_none_of_some(session: AsyncSession) -> None:
    user_id = new_id()

    told = await sql.write(
        session, STREAMS.part([StreamRow("a stream", 7), StreamRow("a stream", 8)]), NOTICES.part([], user_id=user_id)
    )

    assert (told.stream_tested, told.notice_tested) == (True, True)
    assert (await session.scalars(select(EventStream.sequence).where(EventStream.stream == "a stream"))).all() == [7]
    assert (await session.scalars(select(Notice.id).where(Notice.user_id == user_id))).all() == []


def test_columns_are_cast_to_the_types_of_the_table() -> None:
    class EventRow(NamedTuple):
        stream: str
        payload: str
        followers: int

    rows = Rows("event_tested", EventRow, Event, beside={"followers": "bigint"})

    assert rows.columns == "stream, payload"
    assert rows.selected == "event_tested.stream, CAST(event_tested.payload AS jsonb)"
    assert rows.relation == (
        "unnest(CAST(:event_tested_stream AS text[]), CAST(:event_tested_payload AS text[]),"
        " CAST(:event_tested_followers AS bigint[])) AS event_tested (stream, payload, followers)"
    )
    assert rows.values([EventRow("s", "{}", 1), EventRow("t", "[]", 0)]) == {
        "event_tested_stream": ["s", "t"],
        "event_tested_payload": ["{}", "[]"],
        "event_tested_followers": [1, 0],
    }


def test_a_row_says_all_that_the_database_cannot_fill_in() -> None:
    class EntryRow(NamedTuple):
        id: UUID
        transfer_id: UUID
        amount_ueur: int

    with pytest.raises(AssertionError, match="EntryRow leaves out account_id, holder_id of ledger_entry"):
        Insertion("entry_tested", EntryRow, Entry)


def test_a_field_is_a_column_or_has_a_type_of_its_own() -> None:
    class Misspelt(NamedTuple):
        id: UUID
        reverence: str

    with pytest.raises(KeyError, match="reverence"):
        Rows("transfer_tested", Misspelt, Transfer)


async def test_typed_rows_are_the_columns_that_were_selected(session: AsyncSession) -> None:
    first = Statement("SELECT 'a' AS stream, CAST(:sequence AS bigint) AS sequence").into(StreamRow)
    other = Statement("SELECT 1 AS sequence, 'a' AS stream").into(StreamRow)

    assert await first.rows(session, {"sequence": 3}) == [StreamRow("a", 3)]
    with pytest.raises(AssertionError, match="StreamRow is of"):
        await other.rows(session, {})


def test_keys_of_other_tables_are_ids() -> None:
    """So a row can be written before the table that it refers to is imported."""
    columns = [column for table in Base.metadata.tables.values() for column in table.columns if column.foreign_keys]

    assert {type(column.type) for column in columns} == {Uuid}
