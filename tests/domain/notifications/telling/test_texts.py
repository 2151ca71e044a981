"""Texts of messages."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.events.notices import NoticeKind
from domain.identity.tables import Language
from domain.ledger.words import PAYMENT
from domain.market.clearing.words import ORDER_FILLED
from domain.market.delivery.words import TRADE_SETTLED
from domain.notifications.telling import catalogues, texts
from domain.notifications.telling.formats import Format
from domain.notifications.telling.texts import Text, render

NAMES_ALL = sorted(
    {
        *{
            name
            for kind in NoticeKind
            for saying in catalogues.sayings(kind.wording)
            for name in texts.PLACE.findall(saying.text + (saying.many or ""))
        },
        *{name for kind in NoticeKind for saying in catalogues.sayings(kind.wording) for name in saying.when},
        *("delivery_start", "delivery_end", "trades", "orders"),
    }
)


DELIVERY = {"delivery_start": "2026-11-21T13:00:00+00:00", "delivery_end": "2026-11-21T13:15:00+00:00"}
TRADED = DELIVERY | {"zone": "Nord", "energy_ukwh": 1_500_000, "price_ueur_per_kwh": 213_400, "amount_ueur": -320_100}
IN_ROME = "Europe/Rome"


@pytest.mark.parametrize(
    ("language", "title", "body"),
    [
        (
            Language.EN,
            "Bought: 1.5 kWh in Nord",
            "You bought 1.5 kWh at €0.2134/kWh, delivery 21 Nov 2026, 14:00–14:15 (CET). "
            "Amount before charges: -€0.32.",
        ),
        (
            Language.DE,
            "Gekauft: 1,5 kWh in Nord",
            "Sie haben 1,5 kWh zu 0,2134 €/kWh gekauft, Lieferung 21.11.2026, 14:00–14:15 (MEZ). "
            "Betrag vor Entgelten: -0,32 €.",
        ),
        (
            Language.FR,
            "Achat : 1,5 kWh dans la zone Nord",
            "Vous avez acheté 1,5 kWh à 0,2134 €/kWh, livraison 21 nov. 2026, 14:00–14:15 (CET). "
            "Montant hors frais : -0,32 €.",
        ),
        (
            Language.IT,
            "Acquistati: 1,5 kWh nella zona Nord",
            "Hai acquistato 1,5 kWh a 0,2134 €/kWh, consegna 21 nov 2026, 14:00–14:15 (CET). "
            "Importo prima degli oneri: -0,32 €.",
        ),
    ],
)
def test_facts_are_told_as_the_language_writes_them(language: Language, title: str, body: str) -> None:
    text = render(ORDER_FILLED, TRADED | {"side": "BUY"}, Format(language, IN_ROME))

    assert Text(plainly(text.title), plainly(text.body)) == Text(title, body)


def plainly(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("language", "one", "many"),
    [
        (Language.EN, "1 trade was settled", "2 trades were settled"),
        (Language.DE, "1 Geschäft wurde", "2 Geschäfte wurden"),
        (Language.FR, "1 transaction a été réglée", "2 transactions ont été réglées"),
        (Language.IT, "1 transazione è stata regolata", "2 transazioni sono state regolate"),
    ],
)
def test_counts_have_their_plural(language: Language, one: str, many: str) -> None:
    said = [render(TRADE_SETTLED, DELIVERY | {"trades": count}, Format(language)).body for count in (1, 2)]

    assert [said[0].startswith(one), said[1].startswith(many)] == [True, True], said


def test_none_is_not_counted() -> None:
    text = render(TRADE_SETTLED, DELIVERY | {"trades": 3, "corrections": 0})

    assert "correct" not in text.body


@pytest.mark.parametrize(
    ("amount_ueur", "shown"),
    [
        (50_000_000, "+€50.00"),
        (-123_456, "-€0.12"),
        (-4_200, "-€0.0042"),
        (0, "€0.00"),
        (1_234_560_000, "+€1,234.56"),
    ],
)
def test_money_that_is_got_is_plus_and_money_that_is_paid_is_minus(amount_ueur: int, shown: str) -> None:
    assert Format().shown("amount_ueur", {"amount_ueur": amount_ueur}) == shown


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2026-06-30T22:00:00Z", "2026-06-30T22:15:00Z", "1 Jul 2026, 00:00–00:15 (CEST)"),
        ("2026-06-30T21:45:00Z", "2026-06-30T22:00:00Z", "30 Jun 2026, 23:45–00:00 (CEST)"),
        ("2026-06-30T10:00:00Z", "2026-07-01T10:00:00Z", "30 Jun 2026, 12:00 – 1 Jul 2026, 12:00 (CEST)"),
        ("2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z", "25 Oct 2026, 02:45 CEST–02:00 CET"),
    ],
)
def test_deliveries_are_told_by_the_local_clock(start: str, end: str, shown: str) -> None:
    assert Format(timezone=IN_ROME).shown("delivery", {"delivery_start": start, "delivery_end": end}) == shown


@pytest.mark.parametrize(
    ("kind", "facts", "title", "body"),
    [
        (
            NoticeKind("PAYMENT"),
            {"kind": "WITHDRAWAL", "status": "SUCCEEDED", "payment_ueur": 50_000_000, "amount_ueur": -50_000_000},
            "Withdrawal paid out: -€50.00",
            "Your withdrawal of €50.00 was paid out from your wallet.",
        ),
        (
            NoticeKind("PAYMENT"),
            {"kind": "DEPOSIT", "status": "FAILED", "payment_ueur": 13_130_000, "reason": "DECLINED"},
            "Your deposit of €13.13 failed",
            "Your deposit of €13.13 failed; your wallet is unchanged. Reason: the payment provider declined it.",
        ),
        (
            NoticeKind("PAYMENT"),
            {"kind": "DEPOSIT", "status": "FAILED", "payment_ueur": 13_130_000, "reason": "The card has expired."},
            "Your deposit of €13.13 failed",
            "Your deposit of €13.13 failed; your wallet is unchanged. Reason: The card has expired.",
        ),
        (
            NoticeKind("STATEMENT_READY"),
            {"document": "STATEMENT", "month": "2026-10", "amount_ueur": -12_050_000},
            "Your statement for October 2026 is ready: -€12.05",
            "Your statement for October 2026 is ready. Total with VAT: -€12.05, which was paid from your wallet.",
        ),
        (
            NoticeKind("GRID_ALERT"),
            {"alert": "OUTAGE", "severity": "CRITICAL", "zone": "Nord", "title": "Line 4", "text": "It is dark. Wait!"},
            "Power cut in Nord: Line 4",
            "It is dark. Wait! Severity: critical.",
        ),
        (
            NoticeKind("CERTIFICATE"),
            {"energy_wh": 1_250, "source": "SOLAR"} | DELIVERY,
            "New certificate: 1,250 Wh of solar energy",
            "You hold a new certificate of 1,250 Wh of solar energy, delivery 21 Nov 2026, 13:00–13:15 (UTC).",
        ),
        (
            NoticeKind("WEBHOOK_DISABLED"),
            {"host": "example.org", "reason": "UNANSWERED"},
            "Your web hook at example.org was disabled",
            "Nothing is sent to example.org any more: it acknowledged nothing for three days. "
            "Register it anew with the cursor of the last trade you have seen, and no trade is lost.",
        ),
    ],
)
def test_what_happened_is_told_in_words(kind: NoticeKind, facts: dict[str, Any], title: str, body: str) -> None:
    text = render(kind, facts)

    assert Text(plainly(text.title), plainly(text.body)) == Text(title, body)


def test_a_code_that_nobody_named_is_told_in_small_letters() -> None:
    facts = {"kind": "DEPOSIT", "status": "FAILED", "payment_ueur": 1, "reason": "CARD_LOST"}

    assert render(PAYMENT, facts).body.endswith("Reason: card lost.")


def test_keys_of_the_database_are_never_told() -> None:
    assert Format().shown("order_id", {"order_id": "0193f5a0-0000-7000-8000-000000000000"}) is None
    assert {name for name in NAMES_ALL if name.endswith("_id")} == set()


def test_every_kind_has_its_wording() -> None:
    assert [kind for kind in NoticeKind if kind.wording is NoticeKind.wording] == []


def test_a_kind_without_a_wording_is_told_all_the_same() -> None:
    class Kind(NoticeKind):
        pass

    assert render(Kind("NEWS", "Something happened."), {}).title == "There is news for you"


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_kind_is_told_without_any_fact(kind: NoticeKind, language: Language) -> None:
    text = render(kind, {}, Format(language))

    assert text.title
    assert text.body.endswith(".")
    assert "{" not in text.title + text.body


NAMES = st.sampled_from(NAMES_ALL)
ODD_LETTERS = "aZ_.{} \x00\r\n\u2028\x85\u202e\U0001f50c"
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(alphabet=ODD_LETTERS, max_size=20),
    st.lists(st.integers()),
    st.just("2026-13-99"),
    st.sampled_from(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-11-21T13:00:00"]),
    st.just("{title}"),
    st.just("a\r\nBcc: everybody@example.org"),
)


@given(
    kind=st.sampled_from(list(NoticeKind)), facts=st.dictionaries(NAMES, ODD), language=st.sampled_from(list(Language))
)
def test_odd_facts_break_neither_titles_nor_bodies(kind: NoticeKind, facts: dict[str, Any], language: Language) -> None:
    text = render(kind, facts, Format(language))

    assert plainly(text.title).isprintable()
    assert plainly(text.body).isprintable()
    assert text.title
    assert text.body
