"""Settings, read from the environment; `docs/settings.md` lists them.

What is wrong with them is said all at once, when a process starts, by the names of variables and never with a value.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    AnyUrl,
    BeforeValidator,
    Field,
    FilePath,
    SecretStr,
    StringConstraints,
    UrlConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from api.resources.connecting import addresses, redis_addresses
from api.transport.terms.origins import Origins
from api.transport.terms.settings import DocumentLimits

Kind = TypeVar("Kind", bound="DatabaseSettings")
PREFIX = "COMMONWATT_"
SECRET_CHARACTERS = 32

# Not ours: of `bin/up`, its demo, its clients and tests, who hand on the environment that they were given.
OTHERS = tuple(
    f"{PREFIX}{name}"
    for name in (
        *("ADMIN_TOKEN", "LOGINS_FILE", "MEMBER_TOKEN", "PORT", "URL"),
        *("OPERATIONS", "PEERS", "ROWS", "SEED", "SHOWN"),
    )
)


class SmtpUrl(AnyUrl):
    """A mail server: smtp://user:password@host:587, or smtps:// with TLS from the start."""

    _constraints = UrlConstraints(host_required=True, allowed_schemes=["smtp", "smtps"])


def _listed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    try:
        found = orjson.loads(given)
    except orjson.JSONDecodeError:
        raise ValueError('is a JSON list, such as ["one", "two"]') from None
    return found


def _read_by(read: Callable[[str], object]) -> Callable[[str], str]:
    """An address as it is written, once it was understood."""

    def as_written(url: str) -> str:
        read(url)
        return url

    return as_written


def _known_documents(path: Path) -> Path:
    """A file whose digests are those of its texts."""
    try:
        trusted_documents(path)
    except (OSError, orjson.JSONDecodeError, AttributeError):
        raise ValueError("is a JSON object of documents by their SHA-256") from None
    return path


def _sender(given: str) -> str:
    if "@" not in parseaddr(given)[1]:
        raise ValueError("is an address, such as Commonwatt <no-reply@example.org>")
    return given


def _upper(given: Any) -> Any:
    return given.upper() if isinstance(given, str) else given


def trusted_documents(path: Path | None) -> dict[str, str]:
    """Documents by digest; a file whose digests are not those of its texts is refused. Raises ValueError."""
    documents: dict[str, str] = {} if path is None else orjson.loads(path.read_bytes())
    for digest, document in documents.items():
        if hashlib.sha256(document.encode()).hexdigest() != digest:
            raise ValueError(f"{path}: {digest[:16]} is not the SHA-256 of its document")
    return documents


Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_listed)]
Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Level = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]


class DatabaseSettings(BaseSettings):
    """Where the database is and whom connections act as: all that a command needs."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    database_url: Annotated[str, AfterValidator(_read_by(addresses.read))] = Field(
        validation_alias="DATABASE_URL", description="PostgreSQL with PostGIS, as for libpq."
    )
    database_role: Name = Field("commonwatt_app", description="Role the API takes: owns nothing, may not edit history.")
    database_pooled: bool = Field(
        False, description="Whether DATABASE_URL leads to a pool in transaction mode, such as PgBouncer."
    )


class Settings(DatabaseSettings):
    """One process's settings. `DATABASE_URL` and `REDIS_URL` go without a prefix, as platforms name them so.

    A check looks at settings above its own, of which `demo` is the first.
    """

    demo: bool = Field(False, description="Offer demo data and log-ins; never in production.")

    redis_url: Annotated[str, AfterValidator(_read_by(redis_addresses.read))] = Field(
        validation_alias="REDIS_URL", description="Redis or Valkey."
    )
    secret: SecretStr | None = Field(
        None,
        description="Makes the tokens of devices and the links about accounts, the same for all processes; without it "
        "devices are forgotten when the process ends, and nobody can register.",
    )
    trusted_proxies: Networks = Field(
        (), description="Networks of proxies whose X-Forwarded-For is believed, as a JSON list; nobody's by default."
    )
    allowed_origins: Texts = Field(
        (), description="Web origins that may call the API, as a JSON list; http://localhost:* has any port."
    )
    metrics_token: SecretStr | None = Field(
        None, description="Bearer token that /metrics asks for; without it everybody may read it."
    )
    read_only: bool = Field(False, description="Answer reads only, also where the database takes writes.")
    database_pool: int = Field(10, ge=1, le=100, description="Connections of one process: of each of its two pools.")
    heavy_reads: int = Field(1, ge=1, le=100, description="Connections of one process that heavy reads use at once.")
    drain_s: float = Field(
        0.0,
        ge=0,
        le=300,
        description="How long an API that is told to end answers on, not ready, before it listens no more, seconds.",
    )
    stop_s: float = Field(
        15.0, gt=0, le=600, description="How long what runs may go on after that, and jobs of a worker, seconds."
    )
    graphiql: bool = Field(True, description="Serve GraphiQL, for administrators, at /graphiql.")
    page_max: int = Field(100, ge=1, description="Largest page of a connection.")
    operation_seconds: float = Field(10.0, gt=0, description="Deadline of one GraphQL operation and its statements.")
    rate_capacity: int = Field(
        50_000, ge=DocumentLimits().nodes, description="Budget of one signed-in caller, in nodes."
    )
    rate_refill_per_s: float = Field(500.0, gt=0, description="Nodes returned to that budget each second.")
    connections_per_viewer: int = Field(100, ge=1, description="Sockets that one caller may hold open on a process.")
    streams_per_viewer: int = Field(100, ge=1, description="Subscriptions that one caller may hold on a process.")
    communities_per_user: int = Field(20, ge=1, description="Open communities that one user may have founded.")
    keys_per_user: int = Field(50, ge=1, description="API keys that one user may have.")
    trusted_documents: Annotated[FilePath, AfterValidator(_known_documents)] | None = Field(
        None, description="JSON file of documents by their SHA-256 (hex)."
    )
    trusted_documents_only: bool = Field(False, description="Accept only those documents.")
    smtp_url: SmtpUrl | None = Field(None, description="Mail server; without one mails become files in a directory.")
    mail_sender: Annotated[str, AfterValidator(_sender)] = Field(
        "Commonwatt <no-reply@localhost>", description="Whom mails come from."
    )
    link_template: str | None = Field(
        None,
        pattern=r"^https?://[!-~]*\{id\}[!-~]*$",
        description="Page of a web application that shows an object, with {id} for its id; messages lead there.",
    )
    account_link_template: str | None = Field(
        None,
        pattern=r"^https?://[!-~]*\{token\}[!-~]*$",
        description="Page of a web application that opens a link about an account, with {token} for what it passes on "
        "and {purpose} for what it is good for, such as reset_password; without it mails bring the token alone.",
    )
    mail_directory: Path = Field(
        Path(".local/mail"), description="Where mails go without a mail server, as .eml files."
    )
    webhook_networks: Networks = Field(
        (), description="Private networks that web hooks may reach, also by http, as a JSON list; for tests."
    )
    payment_secret: SecretStr | None = Field(
        None, description="Secret shared with the payment provider; without it nothing can be paid in or out."
    )
    payment_callback_url: AnyHttpUrl | None = Field(
        None, description="Where the simulated payment provider answers: the API's own /payments/callbacks."
    )
    payment_delay_s: float = Field(1.0, ge=0, description="How long the simulated payment provider takes, seconds.")
    clock_file: Path | None = Field(None, description="File that tells markets the time, to play a day; for the demo.")
    telemetry_endpoint: str | None = Field(
        None, pattern="^(https?://.+)?$", description="OTLP/HTTP address for traces; off when empty."
    )
    log_level: Level = Field(
        "INFO", description="Least severe level that is logged: DEBUG, INFO, WARNING, ERROR or CRITICAL."
    )

    @field_validator("secret", "metrics_token", "payment_secret")
    @classmethod
    def _is_long(cls, given: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        least = 1 if info.data.get("demo") else SECRET_CHARACTERS
        if given is not None and len(given.get_secret_value().strip()) < least:
            raise ValueError(f"has at least {SECRET_CHARACTERS} characters, drawn at random (openssl rand -hex 32)")
        return given

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        Origins(given)
        return given

    @field_validator("heavy_reads")
    @classmethod
    def _fits_the_pool(cls, given: int, info: ValidationInfo) -> int:
        if given > info.data.get("database_pool", given):
            raise ValueError("is at most COMMONWATT_DATABASE_POOL")
        return given

    @field_validator("trusted_documents_only")
    @classmethod
    def _has_documents(cls, given: bool, info: ValidationInfo) -> bool:
        if given and info.data.get("trusted_documents", given) is None:
            raise ValueError("needs COMMONWATT_TRUSTED_DOCUMENTS, or nothing at all is accepted")
        return given

    @field_validator("smtp_url")
    @classmethod
    def _is_no_demo(cls, given: SmtpUrl | None, info: ValidationInfo) -> SmtpUrl | None:
        if given is not None and info.data.get("demo"):
            raise ValueError("sends mail to people, which a demo (COMMONWATT_DEMO) must not")
        return given

    @field_validator("payment_callback_url")
    @classmethod
    def _has_secret(cls, given: AnyHttpUrl | None, info: ValidationInfo) -> AnyHttpUrl | None:
        if given is not None and info.data.get("payment_secret", given) is None:
            raise ValueError("needs COMMONWATT_PAYMENT_SECRET, or no answer of the provider is believed")
        return given


class Caps:
    """How many things of a kind one user may have, as the process was told by its settings when it started."""

    communities = 20
    keys = 50


@lru_cache
def settings() -> Settings:
    """The settings of this process. Where they are wrong it ends with status 2, after a sentence for each fault."""
    return _checked(Settings)


def database_settings() -> DatabaseSettings:
    """Those of a command, which ends as a process does where they are wrong."""
    return _checked(DatabaseSettings)


def _checked(kind: type[Kind]) -> Kind:
    faults = dict(_unknown(os.environ))
    try:
        found = kind()
    except ValidationError as error:
        for each in error.errors(include_url=False):
            faults.setdefault(variable_of(str(each["loc"][0])), each["msg"].removeprefix("Value error, "))
    if faults:
        sys.stderr.write("".join(f"{name}: {fault}\n" for name, fault in faults.items()))
        raise SystemExit(2)
    return found


def variable_of(name: str) -> str:
    """The variable that a setting is read from."""
    field = Settings.model_fields.get(name)
    return name if field is None else str(field.validation_alias or f"{PREFIX}{name}".upper())


def _unknown(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The variables with our prefix that nobody reads, and what is to be said of each."""
    known = [variable_of(name) for name in Settings.model_fields]
    for given in sorted(environment):
        if given.upper().startswith(PREFIX) and given.upper() not in (*known, *OTHERS):
            bare = given.upper().removeprefix(PREFIX)
            near = [bare] if bare in known else get_close_matches(given.upper(), known, 1)
            yield given, f"there is no such setting{f'; did you mean {near[0]}?' if near else ''}"
