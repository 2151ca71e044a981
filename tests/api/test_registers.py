"""What rooms bring is found, and what they do not bring is named with the file that is missing."""

from pathlib import Path

import pytest

from api import house
from api.market.orders import orders
from tests.api import registers

ROOT = Path(__file__).parents[2]
# What makes one of what rooms bring has the name of what it makes.
WHOLE = {"tests/api/crowd.py", "tests/api/authorization/world.py", "tests/api/engine/indexes/tall.py"}


@pytest.mark.parametrize("register", registers.REGISTERS)
def test_every_file_of_a_register_is_a_rooms(register: str) -> None:
    there = {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests/api").rglob(f"{register}.py")}

    assert there - WHOLE == {registers.file_of(room, register) for room, _ in registers.brought(register)}


def test_things_are_of_the_room_that_defines_them() -> None:
    assert registers.room_of(orders) == registers.room_of(orders.Order) == "market.orders"
    assert registers.room_of(house) == "house"


def test_what_nobody_decided_on_is_named_with_its_file() -> None:
    there, decided = {"Order": "market.orders", "Trade": "market.clearing"}, {"Trade": "market.clearing", "X": "audit"}

    assert registers.undecided("who_sees", there, decided) == [
        "Order has no decision in tests/api/market/orders/who_sees.py",
        "X is decided on in tests/api/audit/who_sees.py, but is not there",
    ]
