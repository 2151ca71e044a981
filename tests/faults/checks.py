"""What must hold after a run: what clients were told against what the database holds.

None of it looks at how things are made to happen once; `api.verify` looks at the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from tests.faults.facts import Facts, Made
from tests.faults.journal import Act, Journal, Told

CLOSED = frozenset({"FILLED", "CANCELLED", "EXPIRED", "REJECTED"})
ENDED = frozenset({"SUCCEEDED", "FAILED"})


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is over: what was said, what is there, what followers saw, and what keys tell when asked again."""

    journal: Journal
    facts: Facts
    seen: Mapping[UUID, list[UUID]] = field(default_factory=dict)
    again: Mapping[str, Told | None] = field(default_factory=dict)


def answered(run: Run) -> Iterator[str]:
    """Every request was answered in the end."""
    for key in run.journal.unanswered():
        yield f"request {key} ({run.journal.asked[key].act}) was never answered"


def nothing_lost(run: Run) -> Iterator[str]:
    """What was acknowledged is there, of its owner, as it was asked for."""
    orders, deposits = _by_id(run.facts.orders), _by_id(run.facts.deposits)
    for key, id in run.journal.done(Act.PLACE, Act.AMEND, Act.DEPOSIT).items():
        asked = run.journal.asked[key]
        made = (deposits if asked.act is Act.DEPOSIT else orders).get(id)
        if made is None:
            yield f"{asked.act} {key} was acknowledged as {id}, which is not there"
        elif made.owner_id != asked.user_id or asked.order_id != made.replaces_id:
            yield f"{asked.act} {key} was acknowledged as {id}, which is another's"
        elif asked.mark and made.mark != asked.mark:
            yield f"{asked.act} {key} was acknowledged as {id}, which is of {made.mark}, not {asked.mark}"


def nothing_twice(run: Run) -> Iterator[str]:
    """No orders or deposits of a user are alike, no order was replaced twice, and each thing is of one key."""
    for name, found in (("orders", run.facts.orders), ("deposits", run.facts.deposits)):
        alike = Counter((made.owner_id, made.mark) for made in found if made.replaces_id is None)
        for (owner_id, mark), count in alike.items():
            if count > 1:
                yield f"{count} {name} of {mark} of user {owner_id}"
    for order_id, count in Counter(made.replaces_id for made in run.facts.orders if made.replaces_id).items():
        if count > 1:
            yield f"order {order_id} was replaced {count} times"
    for id, count in Counter(run.journal.done(Act.PLACE, Act.AMEND, Act.DEPOSIT).values()).items():
        if count > 1:
            yield f"{id} was acknowledged to {count} keys"


def nothing_untold(run: Run) -> Iterator[str]:
    """Whatever was made was acknowledged to whom asked for it; so what was refused made nothing."""
    told = set(run.journal.done(Act.PLACE, Act.AMEND, Act.DEPOSIT).values())
    for name, found in (("order", run.facts.orders), ("deposit", run.facts.deposits)):
        for made in found:
            if made.id not in told:
                yield f"{name} {made.id} ({made.mark} of user {made.owner_id}) was acknowledged to nobody"
    for key in run.facts.used_keys & run.journal.refused().keys():
        yield f"key {key} was refused as {run.journal.told[key].code}, and is stored as used"


def cancelled(run: Run) -> Iterator[str]:
    """An order whose cancellation was acknowledged is cancelled; one that was said to be closed is."""
    orders = _by_id(run.facts.orders)
    for key, told in run.journal.told.items():
        asked = run.journal.asked[key]
        if asked.act is not Act.CANCEL or asked.order_id is None:
            continue
        status = orders[asked.order_id].status if asked.order_id in orders else "not there"
        if told.id is not None and status != "CANCELLED":
            yield f"order {asked.order_id} was cancelled by {key}, and is {status}"
        if told.code == "ORDER_CLOSED" and status not in CLOSED:
            yield f"order {asked.order_id} was closed when {key} came, and is {status}"


def same_again(run: Run) -> Iterator[str]:
    """Asked once more with the same key, the same is told."""
    for key, told in run.again.items():
        if told != run.journal.told[key]:
            yield f"{run.journal.asked[key].act} {key} told {run.journal.told[key]}, and asked again {told}"


def settled_once(run: Run) -> Iterator[str]:
    """A trade whose delivery is over is settled, once: no reading changed. Its escrow is resolved once."""
    for trade in run.facts.over:
        if trade.versions != 1 or trade.settlements > 1:
            yield f"trade {trade.id} has {trade.versions} settlements, and {trade.settlements} transfers that settle it"


def payments_ended(run: Run) -> Iterator[str]:
    """Every deposit came to an end."""
    for made in run.facts.deposits:
        if made.status not in ENDED:
            yield f"deposit {made.id} is {made.status}"


def sums_zero(run: Run) -> Iterator[str]:
    """All accounts together hold nothing."""
    if run.facts.balance_ueur:
        yield f"all accounts together hold {run.facts.balance_ueur} micro-EUR"


def streamed(run: Run) -> Iterator[str]:
    """Who follows the trades of a market sees each once, over every loss of the connection."""
    for market_id, trades in run.facts.trades.items():
        seen = Counter(run.seen.get(market_id, []))
        missing = [id for id in trades if id not in seen]
        if missing:
            yield f"market {market_id}: {len(missing)} of {len(trades)} trades were not streamed, such as {missing[0]}"
        for id, count in seen.items():
            if count > 1:
                yield f"market {market_id}: trade {id} was streamed {count} times"
        for id in seen.keys() - set(trades):
            yield f"market {market_id}: trade {id} was streamed, and is not there"


def _by_id(found: Sequence[Made]) -> dict[UUID, Made]:
    return {made.id: made for made in found}


CHECKS: Mapping[str, Callable[[Run], Iterator[str]]] = {
    "every request was answered": answered,
    "nothing acknowledged is lost": nothing_lost,
    "nothing is there twice": nothing_twice,
    "nothing was made that nobody was told of": nothing_untold,
    "cancelled orders are cancelled": cancelled,
    "a key tells the same again": same_again,
    "each trade is settled once": settled_once,
    "every deposit has ended": payments_ended,
    "sums are zero": sums_zero,
    "trades are streamed without gaps": streamed,
}


def broken(run: Run) -> dict[str, list[str]]:
    """By check, what is wrong; an empty list where it holds."""
    return {name: list(check(run)) for name, check in CHECKS.items()}
