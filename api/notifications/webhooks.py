"""Web hooks over GraphQL: register, sign anew, test and remove them, and see how they answer."""

import strawberry

from api.engine.declarations import Node, entity, leading
from api.engine.fields import column, edge, many, words
from api.graphql.context import Info
from api.graphql.cursors import cursor_at, number_in
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.graphql.words import describe
from api.notifications import resolving
from api.resources import clock
from api.transport.terms.errors import BadUserInput
from domain.events.notices import NoticeKind
from domain.kernel.errors import InvalidValue
from domain.market.clearing import trades
from domain.notifications import addresses, tables, visibility, webhooks
from domain.notifications.tables import NotificationOutcome, WebhookDisabledReason
from domain.notifications.webhooks import Proposal

WEBHOOK_URL_REFUSED = ErrorCode("WEBHOOK_URL_REFUSED", "The address is none that a web hook may have.")
PRIVATE_ADDRESS = ErrorCode("PRIVATE_ADDRESS", "The host is not, or not only, found on the public Internet.")
TOO_MANY_WEBHOOKS = ErrorCode("TOO_MANY_WEBHOOKS", "The caller has as many web hooks as one may have.")
WEBHOOK_DISABLED = ErrorCode("WEBHOOK_DISABLED", "Nothing is sent to the web hook any more.")


describe(
    WebhookDisabledReason,
    "Why nothing is sent to a web hook any more.",
    UNANSWERED="It acknowledged nothing for three days.",
    GONE="It answered 410 Gone.",
)


@entity(
    tables.WebhookFeed,
    visible=visibility.feeds,
    carries={"stream": tables.WebhookFeed.stream, "sequence": tables.WebhookFeed.sequence},
)
class WebhookFeed(Node):
    """A market whose trades a web hook gets, in order. Visible to the owner alone."""

    market = edge(tables.WebhookFeed.market_id, "Market", "The market.", is_optional=True)
    attempts: int = column(tables.WebhookFeed.attempts, "How often the next trade was tried; 0 where all is well.")
    next_attempt_at: DateTime = column(
        tables.WebhookFeed.next_attempt_at, "When the next trade is sent at the earliest."
    )
    delivered_at: DateTime | None = column(tables.WebhookFeed.delivered_at, "When a trade was acknowledged last.")
    outcome: NotificationOutcome | None = column(
        tables.WebhookFeed.outcome, "What came of the last attempt; null before the first one has ended."
    )
    status_code: int | None = column(
        tables.WebhookFeed.status_code, "HTTP status of the last attempt, where there was an answer."
    )

    @strawberry.field(description="Cursor of the last acknowledged trade, as the subscription `trades` takes it.")
    def cursor(self) -> str:
        return cursor_at(self.__dict__["stream"], self.__dict__["sequence"])


@entity(tables.Webhook, visible=visibility.webhooks)
class Webhook(Node):
    """An address to which signed posts go (Standard Webhooks). Visible to its owner alone, without its secret."""

    url: str = column(tables.Webhook.url, "The address.")
    kinds: list[NoticeKind] = column(words(tables.Webhook.kinds, NoticeKind), "Notifications that it gets.")
    created_at: DateTime = column(tables.Webhook.created_at, "When it was registered.")
    previous_secret_until: DateTime | None = column(
        tables.Webhook.previous_secret_until, "Until when posts are signed with the secret before the current one, too."
    )
    disabled_at: DateTime | None = column(tables.Webhook.disabled_at, "When it was disabled; null while it is in use.")
    disabled_reason: WebhookDisabledReason | None = column(
        tables.Webhook.disabled_reason, "Why it was disabled; null while it is in use."
    )
    feeds = many("WebhookFeed", "Markets whose trades it gets, oldest first.", on=tables.WebhookFeed.webhook_id)
    deliveries = many(
        "NotificationDelivery",
        "Notifications and tests sent to it, oldest first: ask for the `last` ones.",
        on=tables.Delivery.webhook_id,
    )


@strawberry.type(description="The address is none that a web hook may have; the message says why.")
class WebhookUrlRefused(UserError):
    pass


@strawberry.type(
    description="The host of the address is not, or not only, on the public Internet, or cannot be resolved; which one "
    "is not told, and takes equally long."
)
class PrivateAddressRefused(UserError):
    host: str = strawberry.field(description="The host.")


@strawberry.type(description="The caller has as many web hooks as one may have.")
class TooManyWebhooks(UserError):
    maximum: int = strawberry.field(description="How many one may have.")


@strawberry.type(description="Nothing is sent to the web hook any more: register it anew.")
class WebhookDisabled(UserError):
    disabled_at: DateTime = strawberry.field(description="Since when.")
    reason: WebhookDisabledReason = strawberry.field(description="Why.")


@refusal(addresses.UrlRefused)
def _url(error: addresses.UrlRefused) -> UserError:
    return WebhookUrlRefused(code=WEBHOOK_URL_REFUSED, message=error.message, path=["url"])


@refusal(addresses.PrivateAddress)
def _private(error: addresses.PrivateAddress) -> UserError:
    return PrivateAddressRefused(code=PRIVATE_ADDRESS, message=error.message, path=["url"], host=error.host)


@refusal(webhooks.TooManyWebhooks)
def _too_many(error: webhooks.TooManyWebhooks) -> UserError:
    return TooManyWebhooks(code=TOO_MANY_WEBHOOKS, message=error.message, path=None, maximum=error.maximum)


@refusal(webhooks.WebhookIsDisabled)
def _disabled(error: webhooks.WebhookIsDisabled) -> UserError:
    return WebhookDisabled(
        code=WEBHOOK_DISABLED,
        message=error.message,
        path=["id"],
        disabled_at=DateTime(error.disabled_at),
        reason=error.reason,
    )


@strawberry.input(description="A market whose trades are to be sent.")
class WebhookFeedInput:
    market_id: strawberry.ID = strawberry.field(description="Id of the market.")
    after: str | None = strawberry.field(
        default=None,
        description="Cursor of the last trade seen, of the subscription `trades` or of a post; an empty text starts "
        "with the first trade there is, and only new ones come when it is left out.",
    )

    def number(self) -> int | None:
        """The number in the cursor. Raises BadUserInput."""
        stream = trades.stream_of(key_of(self.market_id, "Market", "marketId"))
        return None if self.after is None else number_in(self.after, stream)


@strawberry.input(description="An address of the caller's own for signed posts.")
class RegisterWebhookInput:
    url: str = strawberry.field(description="An https address on the public Internet, at most 2,000 ASCII characters.")
    kinds: list[NoticeKind] = strawberry.field(
        description="Notifications that it gets, unless the caller's preferences say otherwise.", default_factory=list
    )
    feeds: list[WebhookFeedInput] = strawberry.field(
        description="Markets whose trades it gets, at most 20.", default_factory=list
    )

    def proposal(self) -> Proposal:
        """What it asks for. Raises BadUserInput, InvalidValue."""
        if len(self.feeds) > webhooks.FEEDS_MAX:
            raise InvalidValue(("feeds",), f"A web hook follows at most {webhooks.FEEDS_MAX} markets.")
        feeds = {key_of(each.market_id, "Market", "marketId"): each.number() for each in self.feeds}
        if len(feeds) < len(self.feeds):
            raise BadUserInput("A market is named twice.", argument="feeds")
        return Proposal(self.url, self.kinds, feeds)


@strawberry.type(description="A new web hook; its secret is shown this once.")
class RegisterWebhookPayload(Payload):
    webhook = edge(None, "Webhook", "The web hook.")
    secret: str | None = strawberry.field(
        default=None, description="What its posts are signed with, `whsec_` and base64; keep it now."
    )


@strawberry.input(description="The web hook that gets a new secret.")
class RotateWebhookSecretInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's web hooks.")


@strawberry.type(description="A new secret; posts are signed with the one before, too, for 24 hours.")
class RotateWebhookSecretPayload(Payload):
    webhook = edge(None, "Webhook", "The web hook.")
    secret: str | None = strawberry.field(default=None, description="The new secret; keep it now.")


@strawberry.input(description="The web hook to remove.")
class RemoveWebhookInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's web hooks.")


@strawberry.type(description="What was removed.")
class RemoveWebhookPayload(Payload):
    removed_id: strawberry.ID | None = strawberry.field(default=None, description="Id of the web hook that was.")


@strawberry.input(description="The web hook to test.")
class TestWebhookInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's web hooks.")


@strawberry.type(description="A test on its way.")
class TestWebhookPayload(Payload):
    delivery = edge(None, "NotificationDelivery", "The test, or the one that still waits where there is one.")


@strawberry.type
class WebhookViewer:
    webhooks = many("Webhook", "The viewer's web hooks, oldest first.")


@strawberry.type
class WebhookMutations:
    @mutation("Register an address for signed posts of notifications and of trades.")
    async def register_webhook(self, info: Info, input: RegisterWebhookInput) -> RegisterWebhookPayload:
        owner_id, proposal = webhooks.require_person(info.context.caller), input.proposal()
        target = addresses.target_of(proposal.url)
        async with resolving.refusing_steadily(target):
            found = await resolving.addresses_of(target)
            async with info.context.transaction() as session:
                webhook_id, secret = await webhooks.register(
                    session, owner_id, proposal, found, resolving.Reach.allowed, now=clock.now()
                )
        return leading(RegisterWebhookPayload(secret=secret), webhook=webhook_id)

    @mutation("Give a web hook a new secret; the one before signs too for 24 hours.")
    async def rotate_webhook_secret(self, info: Info, input: RotateWebhookSecretInput) -> RotateWebhookSecretPayload:
        owner_id = webhooks.require_person(info.context.caller)
        webhook_id = key_of(input.id, "Webhook", "id")
        async with info.context.transaction() as session:
            secret = await webhooks.rotate(session, owner_id, webhook_id, now=clock.now())
        return leading(RotateWebhookSecretPayload(secret=secret), webhook=webhook_id)

    @mutation("Remove a web hook; what was to be sent to it is dropped.")
    async def remove_webhook(self, info: Info, input: RemoveWebhookInput) -> RemoveWebhookPayload:
        owner_id = webhooks.require_person(info.context.caller)
        webhook_id = key_of(input.id, "Webhook", "id")
        async with info.context.transaction() as session:
            await webhooks.remove(session, owner_id, webhook_id, now=clock.now())
        return RemoveWebhookPayload(removed_id=input.id)

    @mutation("Send a test to a web hook.")
    async def test_webhook(self, info: Info, input: TestWebhookInput) -> TestWebhookPayload:
        owner_id = webhooks.require_person(info.context.caller)
        webhook_id = key_of(input.id, "Webhook", "id")
        async with info.context.transaction() as session:
            delivery_id = await webhooks.ask_for_test(session, owner_id, webhook_id, now=clock.now())
        return leading(TestWebhookPayload(), delivery=delivery_id)
