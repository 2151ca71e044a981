"""Mail reaches a real mail server, or becomes files where there is none."""

import re
import stat
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from pydantic import AnyUrl

from api.notifications.mail import MailDirectory, MailServer
from api.notifications.subjects import Links
from domain.identity.tables import Language
from domain.kernel.database import new_id
from domain.market.statements.words import STATEMENT_READY
from domain.notifications import quiet_hours
from domain.notifications.tables import NotificationOutcome, NotificationStatus
from tests.api.notifications.conftest import LOOPBACK, Mailbox, Post

WAITING, DELIVERED, GIVEN_UP = NotificationStatus.WAITING, NotificationStatus.DELIVERED, NotificationStatus.GIVEN_UP


@pytest.fixture
def by_smtp(post: Post, mailbox: Mailbox) -> Post:
    return post.using(mail=MailServer(AnyUrl(f"smtp://{LOOPBACK}:{mailbox.port}")))


async def test_a_message_is_mailed_once(by_smtp: Post, mailbox: Mailbox) -> None:
    user_id = await by_smtp.somebody(email="ada@example.org")
    await by_smtp.message(user_id, amount_ueur=50_000_000)
    [delivery] = await by_smtp.deliveries()

    await by_smtp.deliver()
    await by_smtp.wait(timedelta(days=5))

    [envelope] = mailbox.taken
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=default)
    assert (envelope.mail_from, envelope.rcpt_tos) == ("no-reply@example.org", ["ada@example.org"])
    assert (mail["From"], mail["To"]) == ("Commonwatt <no-reply@example.org>", "ada@example.org")
    assert (mail["Subject"], mail["Message-ID"]) == ("News of a payment", f"<{delivery.id}@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"].datetime <= datetime.now(UTC)
    assert mail.get_content().strip() == "There is news of a payment."
    assert [(each.status, each.status_code, each.attempts) for each in await by_smtp.deliveries()] == [
        (DELIVERED, 250, 1)
    ]


@pytest.mark.parametrize("answer", ["451 Try again later", "421 Closing"])
async def test_a_server_that_is_busy_is_asked_again(by_smtp: Post, mailbox: Mailbox, answer: str) -> None:
    mailbox.answers = [answer]
    await by_smtp.message(await by_smtp.somebody())

    await by_smtp.deliver()
    [first] = await by_smtp.deliveries()
    await by_smtp.wait(timedelta(seconds=5))

    [second] = await by_smtp.deliveries()
    assert (first.status, first.outcome, first.next_attempt_at) == (
        WAITING,
        NotificationOutcome.REJECTED,
        by_smtp.now,
    )
    assert (second.status, second.attempts, len(mailbox.taken)) == (DELIVERED, 2, 1)


async def test_a_receiver_who_is_not_there_is_given_up(by_smtp: Post, mailbox: Mailbox) -> None:
    mailbox.answers = ["550 No such user"]
    await by_smtp.message(await by_smtp.somebody())

    await by_smtp.deliver()
    await by_smtp.wait(timedelta(days=1))

    [delivery] = await by_smtp.deliveries()
    assert (delivery.status, delivery.status_code, delivery.attempts, mailbox.taken) == (GIVEN_UP, 550, 1, [])


async def test_a_server_that_is_down_is_tried_again(post: Post) -> None:
    post.using(mail=MailServer(AnyUrl(f"smtp://{LOOPBACK}:1")))
    await post.message(await post.somebody())

    await post.deliver()

    [delivery] = await post.deliveries()
    assert (delivery.status, delivery.outcome) == (WAITING, NotificationOutcome.UNREACHABLE)


async def test_a_password_is_not_sent_in_the_clear(post: Post, mailbox: Mailbox) -> None:
    post.using(mail=MailServer(AnyUrl(f"smtp://user:password@{LOOPBACK}:{mailbox.port}")))
    await post.message(await post.somebody())

    await post.deliver()

    [delivery] = await post.deliveries()
    assert (delivery.status, delivery.outcome, mailbox.taken) == (WAITING, NotificationOutcome.UNREACHABLE, [])


@pytest.mark.parametrize("email", ["a\r\nBcc: everybody@example.org", "nobody", "", "a b@example.org"])
async def test_an_address_that_is_none_is_given_up(by_smtp: Post, mailbox: Mailbox, email: str) -> None:
    await by_smtp.message(await by_smtp.somebody(email=email))

    await by_smtp.deliver()

    [delivery] = await by_smtp.deliveries()
    assert (delivery.status, delivery.outcome, mailbox.taken) == (GIVEN_UP, NotificationOutcome.REJECTED, [])


async def test_without_a_server_mails_are_files(post: Post, tmp_path: Path) -> None:
    await post.message(await post.somebody(email="åsa@example.org", name="Åsa"))
    [delivery] = await post.deliveries()

    await post.deliver()

    [file] = (tmp_path / "mail").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=default)
    assert file.name == f"{delivery.id}.eml"
    assert (mail["To"], mail["Subject"]) == ("åsa@example.org", "News of a payment")
    assert [each.status for each in await post.deliveries()] == [DELIVERED]


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_directory_of_mails_is_private(post: Post, tmp_path: Path, is_there: bool) -> None:
    directory = tmp_path / "mail"
    if is_there:
        directory.mkdir(mode=0o755)
    post.using(mail=MailDirectory(directory))
    await post.message(await post.somebody())

    await post.deliver()

    [mail] = directory.iterdir()
    assert (stat.S_IMODE(directory.stat().st_mode), stat.S_IMODE(mail.stat().st_mode)) == (0o700, 0o600)


async def test_a_directory_that_cannot_be_written_is_tried_again(post: Post, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    post.using(mail=MailDirectory(tmp_path / "file" / "mail"))
    await post.message(await post.somebody())

    await post.deliver()

    [delivery] = await post.deliveries()
    assert (delivery.status, delivery.outcome) == (WAITING, NotificationOutcome.UNREACHABLE)


async def test_addresses_beyond_ascii_are_mailed_to(by_smtp: Post, mailbox: Mailbox) -> None:
    await by_smtp.message(await by_smtp.somebody(email="åsa@example.org"))

    await by_smtp.deliver()

    assert [envelope.rcpt_tos for envelope in mailbox.taken] == [["åsa@example.org"]]


async def test_quiet_hours_hold_mail_back(by_smtp: Post, mailbox: Mailbox) -> None:
    user_id = await by_smtp.somebody()
    async with by_smtp.database.transaction() as session:
        await quiet_hours.set_hours(session, user_id, ("11:30", "13:00", "UTC"))
    await by_smtp.message(user_id)

    await by_smtp.deliver()
    held_back = list(mailbox.taken)
    await by_smtp.wait(timedelta(hours=1))

    assert (held_back, len(mailbox.taken)) == ([], 1)


async def test_a_mail_is_in_the_language_of_its_user_and_leads_to_what_it_is_about(
    by_smtp: Post, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Links, "template", "https://app.example.org/{id}?from=mail")
    statement_id = str(new_id())
    facts: dict[str, Any] = {"document": "STATEMENT", "month": "2026-10", "amount_ueur": -1_234_500_000}
    person = await by_smtp.somebody(language=Language.FR)
    await by_smtp.message(person, STATEMENT_READY, statement_id=statement_id, **facts)

    await by_smtp.deliver()

    [envelope] = mailbox.taken
    assert isinstance(envelope.content, bytes)
    mail = message_from_bytes(envelope.content, policy=default)
    assert plainly(mail["Subject"]) == "Votre décompte pour octobre 2026 est prêt : -1 234,50 €"
    assert plainly(mail.get_content()) == (
        "Votre décompte pour octobre 2026 est prêt. Total TTC : -1 234,50 €, prélevés sur votre portefeuille.\n\n"
        f"https://app.example.org/AccountStatement:{statement_id}?from=mail\n"
    )


def plainly(text: str) -> str:
    """With ordinary spaces."""
    return re.sub(r"[^\S\n]", " ", text.replace("\r\n", "\n"))
