"""Mail: a message as RFC 5322 says, handed to a mail server, or laid into a directory where there is none."""

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import parseaddr
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote
from uuid import UUID

import aiosmtplib
from aiosmtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from pydantic import AnyUrl

from api.identity import opening
from api.notifications import subjects
from domain.notifications.attempts import Result
from domain.notifications.tables import Message, NotificationOutcome

TIMEOUT_S = 20
ADDRESS = re.compile(r"[^\s@<>\x00-\x1f\x7f]+@[^\s@<>\x00-\x1f\x7f]+")
PERMANENT = 500  # The first code by which a mail server says that trying again is vain.


class Mail(Protocol):
    """A way to send mail."""

    async def send(self, id: UUID, mail: EmailMessage) -> Result:
        """Hand a mail on. Sent twice, it is the same mail by its Message-ID."""


def composed(id: UUID, message: Message, email: str, sender: str) -> EmailMessage:
    """A message as mail, each time with the same Message-ID. Raises ValueError for an address that is none, NoLinks."""
    name, address = parseaddr(sender)
    user, _, domain = email.rpartition("@")
    if not ADDRESS.fullmatch(email):
        raise ValueError("this is no address")
    mail = EmailMessage(policy=SMTP if email.isascii() else SMTPUTF8)
    mail["From"] = Address(name, addr_spec=address)
    mail["To"] = Address(username=user, domain=domain)
    mail["Subject"] = message.title
    mail["Date"] = message.created_at
    mail["Message-ID"] = f"<{id}@{address.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    link = opening.link_in(message.kind, message.facts) or subjects.link_to(subjects.about(message.kind, message.facts))
    mail.set_content(message.body + ("\n" if link is None else f"\n\n{link}\n"))
    return mail


@dataclass(frozen=True)
class MailServer:
    """A server that takes mail by SMTP: smtp://user:password@host:587, or smtps:// with TLS from the start."""

    url: AnyUrl

    async def send(self, id: UUID, mail: EmailMessage) -> Result:
        url = self.url
        is_secure = url.scheme == "smtps"
        user, password = (unquote(part) if part else None for part in (url.username, url.password))
        try:
            await aiosmtplib.send(
                mail,
                hostname=url.host or "",
                port=url.port,
                username=user,
                password=password,
                use_tls=is_secure,
                # A password never goes out in the clear; without one TLS is taken where it is offered.
                start_tls=True if user and not is_secure else None if not is_secure else False,
                timeout=TIMEOUT_S,
            )
        except SMTPRecipientsRefused as error:
            code = error.recipients[0].code
            return Result(NotificationOutcome.REJECTED, code, is_final=code >= PERMANENT)
        except SMTPResponseException as error:
            return Result(NotificationOutcome.REJECTED, error.code)
        except TimeoutError:
            return Result(NotificationOutcome.TIMED_OUT)
        except (OSError, SMTPException):
            return Result(NotificationOutcome.UNREACHABLE)
        return Result(NotificationOutcome.ACKNOWLEDGED, 250)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@dataclass(frozen=True)
class MailDirectory:
    """A directory that takes mail as files, one for each; a mail that is sent again replaces itself."""

    directory: Path

    async def send(self, id: UUID, mail: EmailMessage) -> Result:
        try:
            await asyncio.to_thread(self._lay, id, mail.as_bytes())
        except OSError:
            return Result(NotificationOutcome.UNREACHABLE)
        return Result(NotificationOutcome.ACKNOWLEDGED)

    def _lay(self, id: UUID, content: bytes) -> None:
        """Mails are their receivers' business: nobody else on the machine may read them, from the first byte on."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(PermissionError):  # Of somebody else, who sees to it.
            self.directory.chmod(0o700)  # It may be there from before.
        beside = self.directory / f".{id}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        with open(beside, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.directory / f"{id}.eml")
