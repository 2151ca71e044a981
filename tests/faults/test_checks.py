"""The checks of the fault run find what they are there to find."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from domain.kernel.database import new_id
from tests.faults.checks import CHECKS, Run, broken
from tests.faults.facts import Facts, Made, Over
from tests.faults.journal import Act, Asked, Journal, Told

USER, OTHER, MARKET = new_id(), new_id(), new_id()
PLACED, AMENDED, PAID, TRADE = new_id(), new_id(), new_id(), new_id()


def an_order(**overrides: Any) -> Made:
    facts: dict[str, Any] = {"id": PLACED, "owner_id": USER, "mark": 1_000_000, "status": "CANCELLED"} | overrides
    return Made(**facts)


def asked(key: str, act: Act, **facts: Any) -> Asked:
    return Asked(key, act, USER, "token", {}, **facts)


def a_run(**facts: Any) -> Run:
    """A run in which all went well: an order placed, amended and cancelled, another refused, a deposit, a trade."""
    requests = [
        (asked("placed", Act.PLACE, mark=1_000_000), Told(id=PLACED)),
        (asked("amended", Act.AMEND, order_id=PLACED), Told(id=AMENDED)),
        (asked("cancelled", Act.CANCEL, order_id=AMENDED), Told(id=AMENDED)),
        (asked("late", Act.CANCEL, order_id=PLACED), Told(code="ORDER_CLOSED")),
        (asked("refused", Act.PLACE, mark=2_000_000), Told(code="INSUFFICIENT_FUNDS")),
        (asked("paid", Act.DEPOSIT, mark=50_000), Told(id=PAID)),
    ]
    journal = Journal({each.key: each for each, _ in requests}, {each.key: told for each, told in requests})
    good: dict[str, Any] = {
        "orders": [an_order(), an_order(id=AMENDED, mark=900_000, replaces_id=PLACED)],
        "deposits": [Made(PAID, USER, 50_000, None, "SUCCEEDED")],
        "over": [Over(TRADE, versions=1, settlements=1)],
        "used_keys": frozenset({"placed", "amended", "paid"}),
        "trades": {MARKET: [TRADE]},
    }
    return Run(journal, Facts(**(good | facts)), {MARKET: [TRADE]}, {"placed": Told(id=PLACED)})


def found_in(run: Run) -> set[str]:
    """The checks that do not hold."""
    return {name for name, faults in broken(run).items() if faults}


def test_all_checks_hold_of_a_run_in_which_all_went_well() -> None:
    assert broken(a_run()) == {name: [] for name in CHECKS}


def test_a_request_without_an_answer_is_found() -> None:
    run = a_run()
    run.journal.asked["silent"] = asked("silent", Act.PLACE)

    assert found_in(run) == {"every request was answered"}


LOST = "nothing acknowledged is lost"
TWICE = "nothing is there twice"
UNTOLD = "nothing was made that nobody was told of"
GOOD = a_run().facts


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"orders": GOOD.orders[1:]}, {LOST, "cancelled orders are cancelled"}),
        ({"deposits": []}, {LOST}),
        ({"orders": [an_order(owner_id=OTHER), GOOD.orders[1]]}, {LOST}),
        ({"orders": [an_order(mark=7_000), GOOD.orders[1]]}, {LOST}),
        ({"orders": [*GOOD.orders, an_order(id=new_id())]}, {TWICE, UNTOLD}),
        ({"orders": [*GOOD.orders, an_order(id=new_id(), replaces_id=PLACED)]}, {TWICE, UNTOLD}),
        ({"orders": [*GOOD.orders, an_order(id=new_id(), mark=2_000_000)]}, {UNTOLD}),
        ({"deposits": [*GOOD.deposits, GOOD.deposits[0]._replace(id=new_id())]}, {TWICE, UNTOLD}),
        ({"deposits": [GOOD.deposits[0]._replace(status="PROCESSING")]}, {"every deposit has ended"}),
        ({"used_keys": GOOD.used_keys | {"refused"}}, {UNTOLD}),
        (
            {"orders": [GOOD.orders[0], GOOD.orders[1]._replace(status="OPEN")]},
            {"cancelled orders are cancelled"},
        ),
        (
            {"orders": [GOOD.orders[0]._replace(status="PARTIALLY_FILLED"), GOOD.orders[1]]},
            {"cancelled orders are cancelled"},
        ),
        ({"over": [Over(TRADE, versions=0, settlements=0)]}, {"each trade is settled once"}),
        ({"over": [Over(TRADE, versions=2, settlements=1)]}, {"each trade is settled once"}),
        ({"over": [Over(TRADE, versions=1, settlements=2)]}, {"each trade is settled once"}),
        ({"balance_ueur": -1}, {"sums are zero"}),
        ({"trades": {MARKET: [TRADE, new_id()]}}, {"trades are streamed without gaps"}),
        ({"trades": {MARKET: []}}, {"trades are streamed without gaps"}),
    ],
)
def test_what_is_wrong_in_the_database_is_found(facts: dict[str, Any], found: set[str]) -> None:
    assert found_in(a_run(**facts)) == found


@pytest.mark.parametrize("seen", [[], [TRADE, TRADE]])
def test_a_trade_that_was_missed_or_streamed_twice_is_found(seen: list[UUID]) -> None:
    assert found_in(replace(a_run(), seen={MARKET: seen})) == {"trades are streamed without gaps"}


@pytest.mark.parametrize("again", [Told(id=AMENDED), Told(code="MARKET_CLOSED"), None])
def test_a_key_that_tells_something_else_is_found(again: Told | None) -> None:
    assert found_in(replace(a_run(), again={"placed": again})) == {"a key tells the same again"}


def test_one_thing_that_was_acknowledged_to_two_keys_is_found() -> None:
    run = a_run()
    run.journal.asked["twin"], run.journal.told["twin"] = asked("twin", Act.PLACE, mark=1_000_000), Told(id=PLACED)

    assert found_in(run) == {TWICE}
