"""Signatures of web hooks: those of the specification, and no others."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.notifications import signatures
from domain.notifications.signatures import ForgedSignature

# The vector that the reference libraries of Standard Webhooks are tested with.
SECRET = signatures.read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
THEN = datetime.fromtimestamp(int(TIMESTAMP), UTC)
OTHER = b"another secret of 32 bytes ......"


def test_signs_as_the_specification_does() -> None:
    headers = signatures.headers([SECRET], ID, BODY, now=THEN)

    assert headers == {"webhook-id": ID, "webhook-timestamp": TIMESTAMP, "webhook-signature": SIGNATURE}


def test_accepts_the_signature_of_the_specification() -> None:
    signatures.verify(SECRET, ID, TIMESTAMP, SIGNATURE, BODY, now=THEN)


def test_secrets_are_written_and_read() -> None:
    secret = signatures.new_secret()

    text = signatures.written(secret)

    assert text.startswith("whsec_")
    assert signatures.read(text) == secret
    assert 24 <= len(secret) <= 64


@pytest.mark.parametrize("secret", [SECRET, OTHER])
def test_both_secrets_are_good_while_one_replaces_the_other(secret: bytes) -> None:
    signature = signatures.sign([OTHER, SECRET], ID, int(TIMESTAMP), BODY)

    signatures.verify(secret, ID, TIMESTAMP, signature, BODY, now=THEN)

    assert len(signature.split(" ")) == 2


def test_signatures_of_other_versions_are_passed_over() -> None:
    signatures.verify(SECRET, ID, TIMESTAMP, f"v1a,x v2,{SIGNATURE[3:]} {SIGNATURE}", BODY, now=THEN)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"secret": OTHER}, "No signature fits."),
        ({"id": "msg_other"}, "No signature fits."),
        ({"timestamp": "1614265331"}, "No signature fits."),
        ({"body": BODY + b" "}, "No signature fits."),
        ({"signature": ""}, "No signature fits."),
        ({"signature": "v1,"}, "No signature fits."),
        ({"signature": "v1,%%%"}, "No signature fits."),
        ({"signature": f"v2,{SIGNATURE[3:]}"}, "No signature fits."),
        ({"signature": SIGNATURE[3:]}, "No signature fits."),
        ({"signature": SIGNATURE[:-2]}, "No signature fits."),
        ({"timestamp": "-1614265330"}, "The timestamp is not a number of seconds."),
        ({"timestamp": "1" * 400}, "The timestamp is not a number of seconds."),
        ({"timestamp": "\u0661"}, "The timestamp is not a number of seconds."),
        ({"now": THEN + timedelta(seconds=301)}, "The timestamp is too far from now."),
        ({"now": THEN - timedelta(seconds=301)}, "The timestamp is too far from now."),
    ],
)
def test_forged_posts_do_not_pass(change: dict[str, object], said: str) -> None:
    given = {"secret": SECRET, "id": ID, "timestamp": TIMESTAMP, "signature": SIGNATURE, "body": BODY, "now": THEN}

    with pytest.raises(ForgedSignature) as refused:
        signatures.verify(**(given | change))  # type: ignore[arg-type]

    assert refused.value.message == said
