"""Paths of refusals name fields that the mutation has."""

import pytest
import strawberry

from api.graphql.mutations import fields_of, within


@strawberry.input
class EndInput:
    membership_id: strawberry.ID
    valid_to: str
    energy_ukwh: str = strawberry.field(name="energyKwh", default="")


def test_fields_are_those_that_clients_write() -> None:
    assert fields_of(EndInput(membership_id=strawberry.ID("1"), valid_to="")) == [
        "membershipId",
        "validTo",
        "energyKwh",
    ]
    assert fields_of(None) == []


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (None, None),
        (["validTo"], ["validTo"]),
        (["energyKwh", "0"], ["energyKwh", "0"]),
        (["id"], ["membershipId"]),
        (["delivery", "start"], None),
    ],
)
def test_a_path_names_a_field_of_the_input_or_nothing(path: list[str] | None, told: list[str] | None) -> None:
    assert within(path, ["membershipId", "validTo", "energyKwh"]) == told
