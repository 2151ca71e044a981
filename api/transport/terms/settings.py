"""What the transport allows, as values. The names end in their unit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from api.transport.terms.origins import Origins


@dataclass(frozen=True, slots=True)
class MailboxBounds:
    """How much may wait for one reader."""

    frames_max: int
    size_max: int  # Characters or bytes of all frames together.
    send_seconds_max: float  # For one frame.


@dataclass(frozen=True, slots=True)
class DocumentLimits:
    """What one document may ask for, counted after fragments are expanded."""

    root_selections: int = 20
    aliases: int = 30
    directives: int = 10
    fields: int = 500
    steps: int = 4_000  # Of the walk that counts, and of comparisons between fields of one name.
    depth: int = 12
    introspection_depth: int = 16  # Inside __schema and __type; tools need fourteen.
    nodes: int = 10_000  # By multiplying page sizes.
    tokens: int = 1_500
    page_size: int = 25  # Where a connection names none.


@dataclass(frozen=True, slots=True)
class Rate:
    """A bucket of `capacity` points that refills steadily; a point is one node of a page, and no operation is free."""

    capacity: int
    refill_per_s: float

    @property
    def window_s(self) -> int:
        """Seconds from empty to full."""
        return max(1, round(self.capacity / self.refill_per_s))


@dataclass(frozen=True, slots=True)
class RootFieldRate:
    """The low limit of a root field that guesses could abuse, counted per field and not per request.

    `account` is where in the field's arguments the account stands, such as ("input", "email"), and `device` the token
    of a device from which it has signed in before. Such a device has attempts of its own. All others are strangers:
    they are counted by address, and for each account by address and together.
    """

    account: tuple[str, ...]
    device: tuple[str, ...] | None = None
    per_account: Rate = Rate(10, 10 / 300)  # For one device, or one address.
    per_address: Rate = Rate(30, 30 / 300)
    per_account_of_strangers: Rate = Rate(100, 100 / 3600)


# Each sends a mail to an address that whoever asks may not be able to read.
MAILED = RootFieldRate(
    account=("input", "email"), per_account=Rate(5, 5 / 3600), per_account_of_strangers=Rate(5, 5 / 3600)
)
ROOT_FIELD_RATES: Mapping[str, RootFieldRate] = MappingProxyType(
    {
        "logIn": RootFieldRate(account=("input", "email"), device=("input", "deviceToken")),
        "refreshSession": RootFieldRate(account=("input", "refreshToken")),
        "register": MAILED,
        "requestPasswordReset": MAILED,
        "changeEmail": MAILED,
        "confirmRegistration": RootFieldRate(account=("input", "token")),
        "resetPassword": RootFieldRate(account=("input", "token")),
        "confirmEmail": RootFieldRate(account=("input", "token")),
    }
)


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """Every choice of the transport. Refuses combinations that would be unsafe."""

    path: str = "/graphql"
    allowed_origins: tuple[str, ...] = ()  # Of pages that may call us, for CORS and for sockets; see `origins`.
    body_bytes_max: int = 256 * 1024
    body_seconds_max: float = 10.0
    operation_seconds_max: float = 10.0
    documents_cached: int = 1_000
    limits: DocumentLimits = DocumentLimits()
    rate: Rate = Rate(50_000, 500.0)
    anonymous_rate: Rate = Rate(10_000, 100.0)
    root_field_rates: Mapping[str, RootFieldRate] = field(default_factory=lambda: ROOT_FIELD_RATES)
    root_fields_of_caller: frozenset[str] = frozenset({"rateLimit"})  # Others at other addresses get other answers.
    public_max_age_s: int = 10  # For how long caches may give what nobody in particular has asked for.
    trusted_documents_only: bool = False
    anonymous_introspection: bool = False
    connection_init_seconds_max: float = 10.0
    subscriptions_per_connection: int = 20
    connections_per_viewer: int = 100
    streams_per_viewer: int = 100
    frame_bytes_max: int = 64 * 1024  # Give uvicorn the same as `ws_max_size`; this is the net under it.
    send_seconds_max: float = 20.0  # A reader slower than this is disconnected,
    waiting_frames_max: int = 1_000  # and so is one for whom more than this waits.
    waiting_bytes_max: int = 4 * 1024 * 1024
    keep_alive_seconds: float = 15.0
    graphiql: bool = True

    @property
    def mailbox(self) -> MailboxBounds:
        """What may wait for one reader."""
        return MailboxBounds(self.waiting_frames_max, self.waiting_bytes_max, self.send_seconds_max)

    def __post_init__(self) -> None:
        Origins(self.allowed_origins)
        if self.anonymous_rate.capacity < self.limits.nodes or self.rate.capacity < self.limits.nodes:
            raise ValueError("rate: capacity must be at least limits.nodes, or large documents could never run")
