"""How each process starts: with settings that make sense, logs, and a warning for what is quietly done without.

What is left out falls back on something that suits a demo: mails become files, nothing can be paid. In production
nobody would notice, so each process says at its start what it will not do.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from api.processes import ending
from api.resources.settings import Settings, settings
from api.transport.terms.logs import configure_logs

logger = logging.getLogger("commonwatt.starting")
Process = Literal["api", "worker", "relay"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What an operator may not have meant, and which processes it matters to."""

    variable: str
    processes: tuple[Process, ...]
    is_there: Callable[[Settings], bool]
    sentence: str


def _can_be_made(directory: Path) -> bool:
    """Whether we may write into it, or into what is there of its parents."""
    there = next(place for place in (directory.absolute(), *directory.absolute().parents) if place.exists())
    return os.access(there, os.W_OK | os.X_OK)


def _believes_everybody(configured: Settings) -> bool:
    return any(network.prefixlen == 0 for network in configured.trusted_proxies)


DOUBTS = (
    Doubt("SMTP_URL", ("worker",), lambda s: s.smtp_url is None, "mails are written to files and sent to nobody"),
    Doubt(
        "MAIL_DIRECTORY",
        ("worker",),
        lambda s: s.smtp_url is None and not _can_be_made(s.mail_directory),
        "mails can be written nowhere and are lost",
    ),
    Doubt(
        "MAIL_SENDER",
        ("worker",),
        lambda s: s.smtp_url is not None and s.mail_sender.rstrip(">").endswith("@localhost"),
        "mails come from localhost, which mail servers refuse",
    ),
    Doubt(
        "STOP_S",
        ("api",),
        lambda s: s.stop_s < s.operation_seconds,
        "requests may take longer than a process that ends waits for them",
    ),
    Doubt("SECRET", ("api",), lambda s: s.secret is None, "devices are forgotten when this process ends"),
    Doubt("SECRET", ("api", "worker"), lambda s: s.secret is None, "nobody can register or get a new password by mail"),
    Doubt("METRICS_TOKEN", ("api",), lambda s: s.metrics_token is None, "everybody may read /metrics"),
    Doubt("PAYMENT_SECRET", ("api", "worker"), lambda s: s.payment_secret is None, "nothing can be paid in or out"),
    Doubt(
        "PAYMENT_CALLBACK_URL",
        ("api", "worker"),
        lambda s: s.payment_secret is not None and s.payment_callback_url is None,
        "there is no payment provider: nothing can be paid in or out",
    ),
    Doubt(
        "PAYMENT_CALLBACK_URL",
        ("api", "worker"),
        lambda s: s.payment_callback_url is not None,
        "the payment provider is simulated: what it accepts nobody has paid",
    ),
    Doubt(
        "CLOCK_FILE",
        ("api", "worker", "relay"),
        lambda s: s.clock_file is not None,
        "markets go by the time of a file, not by the database's",
    ),
    Doubt(
        "WEBHOOK_NETWORKS", ("api", "worker"), lambda s: bool(s.webhook_networks), "web hooks reach private networks"
    ),
    Doubt("TRUSTED_PROXIES", ("api",), _believes_everybody, "everybody may say from which address they call"),
)


def begin(process: Process) -> Settings:
    """The settings of a process that starts; where they are wrong, it ends with status 2."""
    ending.at_once()
    configured = settings()
    configure_logs(configured.log_level)
    for sentence in doubts(process, configured):
        logger.warning(sentence)
    return configured


def doubts(process: Process, configured: Settings) -> list[str]:
    """What to warn of, a sentence each."""
    if configured.demo:
        return ["COMMONWATT_DEMO is on: its passwords are known to everybody"]
    return [
        f"{doubt.sentence} (COMMONWATT_{doubt.variable})"
        for doubt in DOUBTS
        if process in doubt.processes and doubt.is_there(configured)
    ]
