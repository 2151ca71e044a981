"""Texts of messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.notices import NoticeKind
from domain.notifications import texts
from domain.notifications.texts import Text, render


@pytest.mark.parametrize(
    ("kind", "facts", "title", "body"),
    [
        (
            NoticeKind("ORDER_FILLED"),
            {"order_id": "x", "energy_ukwh": 1_500_000, "price_ueur_per_kwh": 210_000},
            "Your order was filled",
            "1.5 kWh of your order were traded at 0.21 EUR/kWh.",
        ),
        (
            NoticeKind("ORDER_CLOSED"),
            {"status": "EXPIRED", "reason": "Its delivery began."},
            "Your order was closed: expired",
            "Your order is now expired. Reason: Its delivery began.",
        ),
        (
            NoticeKind("TRADE_SETTLED"),
            {
                "delivery_start": "2026-11-21T13:00:00+01:00",
                "trades": 2,
                "delivered_ukwh": 999_000,
                "amount_ueur": -123_456,
            },
            "Your trades were settled",
            "Delivery that began at 2026-11-21 12:00 UTC was settled by what was metered. "
            "2 trades delivered 0.999 kWh. Amount: -0.123456 EUR.",
        ),
        (
            NoticeKind("PAYMENT"),
            {"kind": "DEPOSIT", "status": "POSTED", "amount_ueur": 50_000_000},
            "Deposit: posted",
            "Your deposit of 50 EUR is posted.",
        ),
        (
            NoticeKind("STATEMENT_READY"),
            {"month": "2026-10", "total_cents": -1_205},
            "Your statement for 2026-10 is ready",
            "Your statement for 2026-10 is ready; its total is -12.05 EUR.",
        ),
        (
            NoticeKind("PRICE_ALERT"),
            {"price_ueur_per_kwh": 90_000, "threshold_ueur_per_kwh": 100_000, "direction": "BELOW"},
            "The price is below your threshold",
            "The price is 0.09 EUR/kWh, below your threshold of 0.1 EUR/kWh.",
        ),
        (NoticeKind("TRADING_RULE"), {"what": "paused"}, "News of a trading rule", "Your trading rule: paused."),
        (
            NoticeKind("AUCTION"),
            {"what": "won", "energy_ukwh": 2_000_000, "price_ueur_per_kwh": 100_000},
            "News of an auction",
            "Auction: won. 2 kWh at 0.1 EUR/kWh.",
        ),
        (
            NoticeKind("GRID_ALERT"),
            {"severity": "CRITICAL", "title": "Line 4 is overloaded."},
            "Grid alert: Line 4 is overloaded",
            "Line 4 is overloaded. Severity: critical.",
        ),
        (
            NoticeKind("CERTIFICATE"),
            {"energy_wh": 250},
            "A certificate was issued",
            "You hold a new certificate of 250 Wh of renewable energy.",
        ),
        (
            NoticeKind("WEBHOOK_DISABLED"),
            {"host": "example.org", "reason": "UNANSWERED"},
            "A web hook was disabled",
            "Nothing is sent to example.org any more: unanswered. "
            "Register it anew with the cursor of the last trade you have seen, and no trade is lost.",
        ),
    ],
)
def test_facts_are_told_with_their_units(kind: NoticeKind, facts: dict[str, Any], title: str, body: str) -> None:
    assert render(kind, facts) == Text(title, body)


def test_every_kind_has_its_wording() -> None:
    assert [kind for kind in NoticeKind if kind.wording is NoticeKind.wording] == []


def test_a_kind_without_a_wording_is_told_all_the_same() -> None:
    class Kind(NoticeKind):
        pass

    assert render(Kind("NEWS", "Something happened."), {}).title == "There is news for you"


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_told_without_any_fact(kind: NoticeKind) -> None:
    text = render(kind, {})

    assert text.title
    assert text.body.endswith(".")
    assert "{" not in text.title + text.body


NAMES = st.sampled_from(
    sorted(
        {
            name
            for kind in NoticeKind
            for part in [kind.wording.title, *kind.wording.body]
            for text in part
            for name in texts.PLACE.findall(text)
        }
    )
)
ODD_LETTERS = "aZ_.{} \x00\r\n\u2028\x85\u202e\U0001f50c"
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(alphabet=ODD_LETTERS, max_size=20),
    st.lists(st.integers()),
    st.just("2026-13-99"),
    st.just("{title}"),
    st.just("a\r\nBcc: everybody@example.org"),
)


@given(kind=st.sampled_from(list(NoticeKind)), facts=st.dictionaries(NAMES, ODD))
def test_odd_facts_break_neither_titles_nor_bodies(kind: NoticeKind, facts: dict[str, Any]) -> None:
    text = render(kind, facts)

    assert text.title.isprintable()
    assert text.body.isprintable()
    assert text.title
    assert text.body
