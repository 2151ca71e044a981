"""Settings, read from the environment; `docs/settings.md` lists them."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from pydantic import AnyHttpUrl, AnyUrl, Field, FilePath, PostgresDsn, RedisDsn, SecretStr, UrlConstraints
from pydantic_settings import BaseSettings, SettingsConfigDict


class DatabaseUrl(PostgresDsn):
    """A PostgreSQL address; one without a host names its unix socket by `?host=/directory`."""

    _constraints = UrlConstraints(host_required=False, allowed_schemes=["postgresql", "postgresql+asyncpg"])


class SmtpUrl(AnyUrl):
    """A mail server: smtp://user:password@host:587, or smtps:// with TLS from the start."""

    _constraints = UrlConstraints(host_required=True, allowed_schemes=["smtp", "smtps"])


class DatabaseSettings(BaseSettings):
    """Where the database is and whom connections act as: all that a command needs."""

    model_config = SettingsConfigDict(env_prefix="COMMONWATT_", frozen=True)

    database_url: DatabaseUrl = Field(validation_alias="DATABASE_URL", description="PostgreSQL with PostGIS, asyncpg.")
    database_role: str = Field("commonwatt_app", description="Role the API takes: owns nothing, may not edit history.")
    database_pooled: bool = Field(
        False, description="Whether DATABASE_URL leads to a pool in transaction mode, such as PgBouncer."
    )


class Settings(DatabaseSettings):
    """One process's settings. `DATABASE_URL` and `REDIS_URL` go without a prefix, as platforms name them so."""

    redis_url: RedisDsn = Field(validation_alias="REDIS_URL", description="Redis or Valkey.")
    secret: SecretStr | None = Field(
        None, description="Makes the tokens of devices; without it they are forgotten when the process ends."
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = Field(
        (), description="Networks of proxies whose X-Forwarded-For is believed, as a JSON list; nobody's by default."
    )
    allowed_origins: tuple[str, ...] = Field(
        (), description="Web origins that may call the API, as a JSON list; http://localhost:* has any port."
    )
    metrics_token: SecretStr | None = Field(
        None, min_length=1, description="Bearer token that /metrics asks for; without it everybody may read it."
    )
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
    page_max: int = Field(100, ge=1, description="Largest page of a connection.")
    operation_seconds: float = Field(10.0, gt=0, description="Deadline of one GraphQL operation and its statements.")
    rate_capacity: int = Field(50_000, ge=1, description="Budget of one signed-in caller, in nodes.")
    rate_refill_per_s: float = Field(500.0, gt=0, description="Nodes returned to that budget each second.")
    connections_per_viewer: int = Field(100, ge=1, description="Sockets that one caller may hold open on a process.")
    streams_per_viewer: int = Field(100, ge=1, description="Subscriptions that one caller may hold on a process.")
    communities_per_user: int = Field(20, ge=1, description="Open communities that one user may have founded.")
    keys_per_user: int = Field(50, ge=1, description="API keys that one user may have.")
    trusted_documents: FilePath | None = Field(None, description="JSON file of documents by their SHA-256 (hex).")
    trusted_documents_only: bool = Field(False, description="Accept only those documents.")
    smtp_url: SmtpUrl | None = Field(None, description="Mail server; without one mails become files in a directory.")
    mail_sender: str = Field("Commonwatt <no-reply@localhost>", description="Whom mails come from.")
    link_template: str | None = Field(
        None,
        pattern=r"^https?://[!-~]*\{id\}[!-~]*$",
        description="Page of a web application that shows an object, with {id} for its id; messages lead there.",
    )
    mail_directory: Path = Field(
        Path(".local/mail"), description="Where mails go without a mail server, as .eml files."
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
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
    demo: bool = Field(False, description="Offer demo data and log-ins; never in production.")
    telemetry_endpoint: str | None = Field(None, description="OTLP/HTTP address for traces; off when empty.")
    log_level: str = Field("INFO", description="Least severe level that is logged.")


class Caps:
    """How many things of a kind one user may have, as the process was told by its settings when it started."""

    communities = 20
    keys = 50


@lru_cache
def settings() -> Settings:
    """The settings of this process."""
    return Settings()
