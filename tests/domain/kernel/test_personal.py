"""Every table that leads to a person is declared by its room, with the columns by which it does."""

import re
from typing import Any

import pytest

from domain.kernel import personal
from domain.kernel.idempotency import IdempotencyKey
from domain.kernel.tables import Base

DECLARED = personal.declared()
# What a column is called that holds the key of a person, or of something that is a person's.
LEADS = re.compile(
    r"(user|owner|holder|seller|buyer|bidder|member|membership|metering_point|account|statement|trade|order|payment"
    r"|subject|from|to|\w+_by)_id|actor|sender"
)
# A request's key is forgotten after thirty days, whoever made it.
FORGOTTEN = {IdempotencyKey}
# Columns of such names that lead to no person.
ELSEWHERE = {"zone_link.from_zone_id", "zone_link.to_zone_id"}


def leading(table: Any) -> set[str]:
    """Columns that lead to a person by their name, or by a reference to a table that is somebody's row."""
    own = {kind.__tablename__ for kind, said in DECLARED.items() if said.of}
    by_name = {column.name for column in table.__table__.columns if LEADS.fullmatch(column.name)}
    by_reference = {
        column.name
        for column in table.__table__.columns
        for key in column.foreign_keys
        if key.target_fullname.partition(".")[0] in own
    }
    return by_name | by_reference


@pytest.mark.parametrize("table", [each.class_ for each in Base.registry.mappers], ids=lambda table: table.__name__)
def test_what_leads_to_a_person_is_declared(table: Any) -> None:
    found = leading(table)
    said = DECLARED.get(table)

    if said is None:
        assert not found or table in FORGOTTEN, f"say in PERSONAL of {table.__module__} what {found} tell of a person"
    else:
        assert set(said.of) | set(said.by) <= set(table.__table__.columns.keys())
        assert said.of or said.by


def test_the_places_of_a_person_are_all_known() -> None:
    """A reference to a user, member or metering point is in `of` or `by`, but for those that lead on along a parent."""
    forgotten = {
        f"{kind.__tablename__}.{column.name}"
        for kind, said in DECLARED.items()
        for column in kind.__table__.columns
        for key in column.foreign_keys
        if key.target_fullname in ("user_account.id", "member.id", "membership.id", "metering_point.id")
        and column.name not in (*said.of, *said.by)
    }

    assert forgotten == set()
