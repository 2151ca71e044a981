"""What is wrong with settings is said all at once, and what is quietly done without is warned of."""

import os
from pathlib import Path
from typing import Any

import pytest

from api.processes import starting
from api.resources import settings as module
from api.resources.settings import Settings

GIVEN = {"DATABASE_URL": "postgresql://somebody:hunter2@localhost/x", "REDIS_URL": "redis://localhost"}
LONG = "s" * 32


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [*os.environ]:
        if name.startswith("COMMONWATT_"):
            monkeypatch.delenv(name)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    module.settings.cache_clear()
    return monkeypatch


def refused(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], **given: str) -> list[str]:
    for name, value in given.items():
        environment.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        module.settings()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "hunter2" not in said
    assert not any(value in said for name, value in given.items() if value and "SECRET" in name)
    return said.splitlines()


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("COMMONWATT_SECRET", "changeme", "at least 32 characters"),
        ("COMMONWATT_SECRET", " " * 40, "at least 32 characters"),
        ("COMMONWATT_PAYMENT_SECRET", "", "at least 32 characters"),
        ("COMMONWATT_METRICS_TOKEN", "q" * 31, "at least 32 characters"),
        ("COMMONWATT_LOG_LEVEL", "verbose", "'DEBUG', 'INFO'"),
        ("COMMONWATT_DATABASE_ROLE", " ", "at least 1 character"),
        ("COMMONWATT_TRUSTED_PROXIES", "10.0.0.0/8", "is a JSON list"),
        ("COMMONWATT_TRUSTED_PROXIES", '["10.0.0.1/8"]', "network"),
        ("COMMONWATT_ALLOWED_ORIGINS", '["*"]', "name each origin"),
        ("COMMONWATT_TRUSTED_DOCUMENTS_ONLY", "true", "needs COMMONWATT_TRUSTED_DOCUMENTS"),
        ("COMMONWATT_TRUSTED_DOCUMENTS", __file__, "is a JSON object of documents"),
        ("COMMONWATT_PAYMENT_CALLBACK_URL", "http://localhost/payments/callbacks", "needs COMMONWATT_PAYMENT_SECRET"),
        ("COMMONWATT_HEAVY_READS", "11", "at most COMMONWATT_DATABASE_POOL"),
        ("COMMONWATT_RATE_CAPACITY", "100", "greater than or equal to"),
        ("COMMONWATT_MAIL_SENDER", "nobody", "is an address"),
        ("COMMONWATT_TELEMETRY_ENDPOINT", "collector", "should match pattern"),
        ("COMMONWATT_STOP_S", "soon", "valid number"),
        ("COMMONWATT_SECRETS", LONG, "no such setting; did you mean COMMONWATT_SECRET?"),
        ("COMMONWATT_DATABASE_URL", "x", "no such setting; did you mean DATABASE_URL?"),
        ("COMMONWATT_XYZZY", "x", "there is no such setting"),
        ("DATABASE_URL", "mysql://hunter2@x/y", "URL"),
    ],
)
def test_what_is_wrong_is_refused_by_its_name(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, says: str
) -> None:
    (line,) = refused(environment, capsys, **{name: value})

    assert line.startswith(f"{name}: ")
    assert says in line


def test_all_faults_are_said_at_once(environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment.delenv("REDIS_URL")
    given = {"COMMONWATT_PORTS": "1", "COMMONWATT_LOG_LEVEL": "loud", "COMMONWATT_TRUSTED_DOCUMENTS_ONLY": "1"}

    lines = refused(environment, capsys, COMMONWATT_SECRET="short", **given)

    named = {line.partition(":")[0] for line in lines}
    assert named == {"REDIS_URL", "COMMONWATT_SECRET", *given}


def test_a_demo_may_have_short_secrets_and_sends_no_mail(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    demo = {"COMMONWATT_DEMO": "1", "COMMONWATT_SECRET": "demo", "COMMONWATT_LOG_LEVEL": "debug"}
    for name, value in demo.items():
        environment.setenv(name, value)
    assert module.settings().log_level == "DEBUG"
    module.settings.cache_clear()

    (line,) = refused(environment, capsys, COMMONWATT_SMTP_URL="smtp://mail.example")

    assert line.startswith("COMMONWATT_SMTP_URL: sends mail to people")


def test_what_is_done_without_is_warned_of_unless_it_is_a_demo(tmp_path: Path) -> None:
    def said(process: starting.Process, **given: Any) -> str:
        return "\n".join(starting.doubts(process, Settings(**given)))

    simulated = {"payment_secret": LONG, "payment_callback_url": "https://api.example/payments/callbacks"}
    assert "mails are written to files" in said("worker")
    assert "mails are written to files" not in said("worker", smtp_url="smtp://mail.example")
    assert "can be written nowhere" in said("worker", mail_directory=Path(__file__) / "mail")
    assert "can be written nowhere" not in said("worker", mail_directory=tmp_path / "mail")
    assert "mails come from localhost" in said("worker", smtp_url="smtp://mail.example")
    assert "devices are forgotten" in said("api")
    assert "everybody may read /metrics" in said("api")
    assert "nothing can be paid" in said("api")
    assert "there is no payment provider" in said("worker", payment_secret=LONG)
    assert "is simulated" in said("worker", **simulated)
    assert "time of a file" in said("relay", clock_file=tmp_path / "clock")
    assert "private networks" in said("worker", webhook_networks=["10.0.0.0/8"])
    assert "requests may take longer" in said("api", stop_s=5)
    assert "everybody may say" in said("api", trusted_proxies=["0.0.0.0/0"])
    assert said("worker", demo=True).splitlines() == ["COMMONWATT_DEMO is on: its passwords are known to everybody"]
