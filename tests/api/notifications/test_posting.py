"""Posts reach a real HTTP server, signed, at an address that was looked at; and nothing else."""

import asyncio
import ssl
import subprocess
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from shutil import which
from typing import Any
from uuid import UUID

import pytest

from api.engine.declarations import global_id
from api.notifications import posting
from api.notifications.delivering import deliver_round
from api.notifications.subjects import Links
from domain.kernel.database import new_id
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import deliveries, webhooks
from domain.notifications.addresses import Address, Target
from domain.notifications.attempts import LEASE, RETRY_AFTER
from domain.notifications.signatures import ForgedSignature
from domain.notifications.tables import NotificationOutcome, NotificationStatus, Webhook
from tests.api.notifications.conftest import Post, Receiver, a_receiver
from tests.factories.notifications import NOW

WAITING, DELIVERED, GIVEN_UP = NotificationStatus.WAITING, NotificationStatus.DELIVERED, NotificationStatus.GIVEN_UP


async def test_a_message_is_posted_with_its_signature(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Links, "template", "https://app.example.org/{id}")
    user_id = await post.somebody()
    _, secret = await post.webhook(user_id, receiver)
    about = str(new_id())
    facts = {"energy_wh": 250, "certificate_id": about, "amount_ueur": 1_500_000}
    message_id = await post.message(user_id, CERTIFICATE, **facts)
    [delivery] = await post.deliveries()

    await post.deliver()
    await post.wait(timedelta(days=5))

    [posted] = receiver.posted
    content = posted.content
    posted.verify(secret, NOW)
    assert posted.line == "POST /commonwatt?a=b HTTP/1.1"
    assert posted.headers["host"] == f"hooks.example.org:{receiver.port}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["webhook-id"] == f"msg_{delivery.id}"
    assert (content["type"], content["timestamp"]) == ("notification.certificate", content["data"]["createdAt"])
    assert content["data"] | {"createdAt": None} == {
        "id": global_id("Notification", message_id),
        "kind": "CERTIFICATE",
        "title": "A certificate was issued",
        "body": "You hold new certificates of 250 Wh of renewable energy.",
        "subject": f"Certificate:{about}",
        "link": f"https://app.example.org/Certificate:{about}",
        "createdAt": None,
        "facts": {"energyWh": 250, "certificateId": f"Certificate:{about}", "amount": "1.5"},
    }
    assert [(each.status, each.status_code) for each in await post.deliveries()] == [(DELIVERED, 204)]


async def test_a_forged_post_does_not_pass(post: Post, receiver: Receiver) -> None:
    user_id = await post.somebody()
    _, secret = await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()

    [posted] = receiver.posted
    forged = type(posted)(posted.line, posted.headers, posted.body.replace(b"CERTIFICATE", b"PAYMENT"))
    with pytest.raises(ForgedSignature):
        forged.verify(secret, NOW)
    with pytest.raises(ForgedSignature):
        posted.verify(b"x" * 32, NOW)
    with pytest.raises(ForgedSignature):
        posted.verify(secret, NOW + timedelta(minutes=6))


async def test_posts_are_signed_with_both_secrets_while_one_replaces_the_other(post: Post, receiver: Receiver) -> None:
    user_id = await post.somebody()
    webhook_id, old = await post.webhook(user_id, receiver)
    async with post.database.transaction() as session:
        await webhooks.rotate(session, user_id, webhook_id, now=NOW)
        new = (await session.get_one(Webhook, webhook_id)).secret
    await post.message(user_id, CERTIFICATE)

    await post.deliver()
    await post.message(user_id, CERTIFICATE)
    await post.wait(webhooks.ROTATION)

    during, afterwards = receiver.posted[0], receiver.posted[-1]
    during.verify(old, NOW)
    during.verify(new, NOW)
    afterwards.verify(new, post.now)
    with pytest.raises(ForgedSignature):
        afterwards.verify(old, post.now)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("500 Oops\r\ncontent-length: 6\r\n\r\nsecret", 500),
        ("429 Slow down\r\ncontent-length: 0\r\n", 429),
        ("302 Found\r\nlocation: http://127.0.0.1:1/inside\r\ncontent-length: 0\r\n", 302),
    ],
)
async def test_what_is_not_acknowledged_is_posted_again_with_the_same_id(
    post: Post, receiver: Receiver, answer: str, code: int
) -> None:
    receiver.answers = [answer]
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()
    [first] = await post.deliveries()
    await post.wait(RETRY_AFTER[0])

    [second] = await post.deliveries()
    assert (first.status, first.outcome, first.status_code) == (WAITING, NotificationOutcome.REJECTED, code)
    assert (second.status, second.attempts) == (DELIVERED, 2)
    assert len({each.headers["webhook-id"] for each in receiver.posted}) == 1
    assert [each.body for each in receiver.posted] == [receiver.posted[0].body] * 2


async def test_an_endless_answer_is_not_read(post: Post, receiver: Receiver) -> None:
    receiver.answers = ["200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + f"{1024:x}\r\n{'x' * 1024}\r\n" * 200]
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()

    assert [each.status for each in await post.deliveries()] == [DELIVERED]


async def test_a_receiver_that_does_not_answer_is_left_in_time(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "TIMEOUT_S", 0.2)
    receiver.answers = [None]
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()

    [delivery] = await post.deliveries()
    assert (delivery.status, delivery.outcome) == (WAITING, NotificationOutcome.TIMED_OUT)


async def test_a_receiver_that_is_down_is_tried_for_three_days_and_then_disabled(
    post: Post, receiver: Receiver
) -> None:
    user_id = await post.somebody()
    receiver.port, listening = 1, receiver.port
    webhook_id, _ = await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()
    for delay in RETRY_AFTER:
        await post.wait(delay)

    [delivery] = await post.deliveries()
    async with post.database.sessions() as session:
        webhook = await session.get_one(Webhook, webhook_id)
    assert (delivery.status, delivery.outcome) == (GIVEN_UP, NotificationOutcome.UNREACHABLE)
    assert delivery.attempts == len(RETRY_AFTER) + 1
    assert webhook.disabled_at == post.now
    assert listening != 1


async def test_a_host_that_moved_to_a_private_address_is_not_reached(post: Post, receiver: Receiver) -> None:
    """As by DNS rebinding: public when it was registered, loopback when it is posted to."""
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)
    post.using(allowed=())

    await post.deliver()

    [delivery] = await post.deliveries()
    assert (delivery.status, delivery.outcome) == (WAITING, NotificationOutcome.ADDRESS_REFUSED)
    assert (receiver.posted, receiver.connections) == ([], 0)


async def test_the_host_is_resolved_once_for_each_post(post: Post, receiver: Receiver) -> None:
    """A second look might find another address than the one that was looked at."""
    looks: list[str] = []

    async def resolve(target: Target) -> list[Address]:
        looks.append(target.host)
        return await receiver.resolve(target) if len(looks) == 1 else [ip_address("10.0.0.1")]

    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.using(resolve=resolve).deliver()

    assert (looks, len(receiver.posted)) == (["hooks.example.org"], 1)


async def test_no_proxy_of_the_environment_is_used(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    await post.deliver()

    assert len(receiver.posted) == 1


async def test_one_that_fails_holds_up_no_other(post: Post, receiver: Receiver) -> None:
    user_id = await post.somebody()
    async with a_receiver() as other:
        other.answers = ["500 Oops\r\ncontent-length: 0\r\n"]
        await post.webhook(user_id, other)
        await post.webhook(user_id, receiver)
        await post.message(user_id, CERTIFICATE)

        await post.deliver()

    assert sorted(each.status for each in await post.deliveries()) == [DELIVERED, WAITING]


async def test_killed_between_delivery_and_record_it_is_delivered_again_with_the_same_id(
    post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    await post.message(user_id, CERTIFICATE)

    async def never(*_: Any, **__: Any) -> None:
        await asyncio.sleep(3600)

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "record", never)
        killed = asyncio.create_task(deliver_round(post.database, post.ways))
        async with asyncio.timeout(10):
            while not receiver.posted:
                await asyncio.sleep(0.01)
        killed.cancel()
        await asyncio.gather(killed, return_exceptions=True)
    await post.wait(LEASE - timedelta(seconds=1))
    held = len(receiver.posted)
    await post.wait(timedelta(seconds=1))
    await post.wait(timedelta(days=5))

    assert (held, len(receiver.posted)) == (1, 2)
    assert len({each.headers["webhook-id"] for each in receiver.posted}) == 1
    assert [(each.status, each.attempts) for each in await post.deliveries()] == [(DELIVERED, 2)]


async def test_many_workers_deliver_each_message_once(post: Post, receiver: Receiver) -> None:
    user_id = await post.somebody()
    await post.webhook(user_id, receiver)
    for _ in range(20):
        await post.message(user_id, CERTIFICATE)

    await asyncio.gather(*(post.deliver() for _ in range(3)))

    ids = [each.headers["webhook-id"] for each in receiver.posted]
    assert (len(ids), len(set(ids))) == (20, 20)


@pytest.fixture
def certificate(tmp_path: Path, processes: None) -> Path:
    """A certificate for hooks.example.org that signs itself, with its key."""
    if which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    file = tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=hooks.example.org",
            "-addext",
            "subjectAltName=DNS:hooks.example.org",
            "-keyout",
            str(file),
            "-out",
            str(tmp_path / "c.pem"),
        ],
        check=True,
        capture_output=True,
    )
    file.write_bytes(file.read_bytes() + (tmp_path / "c.pem").read_bytes())
    return file


@pytest.mark.parametrize(
    ("host", "outcome"),
    [
        ("hooks.example.org", NotificationOutcome.ACKNOWLEDGED),
        ("other.example.org", NotificationOutcome.UNREACHABLE),
    ],
)
async def test_tls_proves_the_name_and_not_the_address(
    post: Post, certificate: Path, monkeypatch: pytest.MonkeyPatch, host: str, outcome: NotificationOutcome
) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(posting, "_trusted", lambda: trusting)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(certificate)
    user_id = await post.somebody()
    async with a_receiver(serving) as secure:
        await post.webhook(user_id, secure, url=f"https://{host}:{secure.port}/")
        await post.message(user_id, CERTIFICATE)

        await post.deliver()

        [delivery] = await post.deliveries()
        assert delivery.outcome is outcome
        assert len(secure.posted) == (outcome is NotificationOutcome.ACKNOWLEDGED)


async def test_a_test_is_posted(post: Post, receiver: Receiver) -> None:
    user_id = await post.somebody()
    webhook_id, secret = await post.webhook(user_id, receiver)
    async with post.database.transaction() as session:
        await webhooks.ask_for_test(session, user_id, webhook_id, now=NOW)

    await post.deliver()

    [posted] = receiver.posted
    posted.verify(secret, NOW)
    assert posted.content == {
        "type": "test",
        "timestamp": "2026-11-21T12:00:00Z",
        "data": {"webhookId": global_id("Webhook", UUID(str(webhook_id)))},
    }
