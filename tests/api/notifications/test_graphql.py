"""Notifications, preferences and web hooks over GraphQL."""

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from api.engine.declarations import global_id
from api.notifications import resolving
from domain.events.notices import NoticeKind
from domain.identity.keys import READ
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.database import new_id
from domain.ledger.words import PAYMENT
from domain.market.delivery.words import CERTIFICATE
from domain.notifications import signatures, webhooks
from domain.notifications.addresses import Address, Target
from domain.notifications.tables import Delivery, Message, Webhook, WebhookDisabledReason
from tests.api.conftest import Execute
from tests.factories.identity import a_user
from tests.factories.market import a_market
from tests.factories.notifications import a_message, a_webhook

LIST = """
query ($filter: NotificationFilter) { viewer { unreadNotificationCount notifications(filter: $filter, last: 10) {
  totalCount edges { node { id kind title body readAt deliveries(first: 5) {
    edges { node { channel status attempts webhook { url } } } } } } } } }
"""
MARK = """
mutation ($input: MarkNotificationsReadInput!) { markNotificationsRead(input: $input) {
  markedCount unreadCount errors { __typename code path } } }
"""
PREFER = """
mutation ($input: SetNotificationPreferenceInput!) { setNotificationPreference(input: $input) {
  preference { kind channel isWanted } errors { code } } }
"""
QUIET = """
mutation ($input: SetQuietHoursInput!) { setQuietHours(input: $input) {
  quietHours { start end timezone } errors { code path } } }
"""
REGISTER = """
mutation ($input: RegisterWebhookInput!) { registerWebhook(input: $input) {
  secret webhook { url kinds disabledAt feeds(first: 5) { edges { node { cursor attempts market { id } } } } }
  errors { __typename code message path ... on PrivateAddressRefused { host } ... on TooManyWebhooks { maximum } } } }
"""
ROTATE = """
mutation ($input: RotateWebhookSecretInput!) { rotateWebhookSecret(input: $input) {
  secret webhook { previousSecretUntil } errors { __typename code path ... on WebhookDisabled { reason } } } }
"""
REMOVE = """
mutation ($input: RemoveWebhookInput!) { removeWebhook(input: $input) { removedId errors { code } } }
"""
TEST = """
mutation ($input: TestWebhookInput!) { testWebhook(input: $input) {
  delivery { status channel notification { id } webhook { url } }
  errors { __typename code path ... on WebhookDisabled { reason } } } }
"""
URL = "https://hooks.example.org/x"


@pytest.fixture
async def person(session: AsyncSession) -> Viewer:
    return Viewer(user_id=(await a_user(session)).id)


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch) -> list[Address]:
    """Where every host is: on the public Internet unless it is changed."""
    addresses: list[Address] = [ip_address("93.184.216.34")]

    async def resolve(target: Target) -> list[Address]:
        return addresses

    monkeypatch.setattr(resolving, "addresses_of", resolve)
    monkeypatch.setattr(resolving, "RESOLVE_S", 0.05)
    return addresses


def own(viewer: Viewer) -> Any:
    assert viewer.user_id is not None
    return viewer.user_id


async def count(session: AsyncSession, table: Any) -> int:
    return int((await session.execute(select(func.count()).select_from(table))).scalar_one())


async def test_notifications_are_listed_counted_and_marked(
    execute: Execute, session: AsyncSession, person: Viewer
) -> None:
    first = await a_message(session, own(person), PAYMENT, amount_ueur=5)
    await a_message(session, own(person), CERTIFICATE, energy_wh=250)
    await a_message(session, (await a_user(session)).id)

    before = (await execute(LIST, person)).data["viewer"]
    marked = (await execute(MARK, person, input={"ids": [global_id("Notification", first.id)]})).data
    unread = (await execute(LIST, person, filter={"isUnread": True})).data["viewer"]
    read = (await execute(LIST, person, filter={"isUnread": False, "kind": "PAYMENT"})).data["viewer"]
    rest = (await execute(MARK, person, input={})).data

    assert (before["unreadNotificationCount"], before["notifications"]["totalCount"]) == (2, 2)
    assert [edge["node"]["kind"] for edge in before["notifications"]["edges"]] == ["PAYMENT", "CERTIFICATE"]
    assert before["notifications"]["edges"][0]["node"]["deliveries"]["edges"] == [
        {"node": {"channel": "MAIL", "status": "WAITING", "attempts": 0, "webhook": None}}
    ]
    assert marked["markNotificationsRead"] == {"markedCount": 1, "unreadCount": 1, "errors": []}
    assert [edge["node"]["kind"] for edge in unread["notifications"]["edges"]] == ["CERTIFICATE"]
    assert [edge["node"]["kind"] for edge in read["notifications"]["edges"]] == ["PAYMENT"]
    assert rest["markNotificationsRead"] == {"markedCount": 1, "unreadCount": 0, "errors": []}


async def test_anothers_notification_is_not_found_and_nothing_is_marked(
    execute: Execute, session: AsyncSession, person: Viewer
) -> None:
    mine = await a_message(session, own(person))
    hers = await a_message(session, (await a_user(session)).id)

    answer = await execute(MARK, person, input={"ids": [global_id("Notification", m.id) for m in (mine, hers)]})

    assert [error["code"] for error in answer.refusals("markNotificationsRead")] == ["NOT_FOUND"]
    assert set(await session.scalars(select(Message.read_at))) == {None}


async def test_more_than_a_hundred_ids_are_refused(execute: Execute, person: Viewer) -> None:
    answer = await execute(MARK, person, input={"ids": [global_id("Notification", new_id())] * 101})

    assert [error["code"] for error in answer.errors] == ["BAD_USER_INPUT"]


async def test_preferences_are_shown_for_every_kind_and_channel_and_set(execute: Execute, person: Viewer) -> None:
    asked = "{ viewer { notificationPreferences { kind channel isWanted } } }"
    choice = {"kind": "CERTIFICATE", "channel": "MAIL", "isWanted": True}

    before = (await execute(asked, person)).data["viewer"]["notificationPreferences"]
    answer = (await execute(PREFER, person, input=choice)).data["setNotificationPreference"]
    after = (await execute(asked, person)).data["viewer"]["notificationPreferences"]

    assert len(before) == 3 * len(NoticeKind)
    assert answer == {"preference": choice, "errors": []}
    assert [each for each in after if each not in before] == [choice]


async def test_quiet_hours_are_set_shown_and_ended(execute: Execute, person: Viewer) -> None:
    asked = "{ viewer { quietHours { start end timezone } } }"
    hours = {"start": "22:00", "end": "07:00", "timezone": "Europe/Rome"}

    is_set = (await execute(QUIET, person, input={"hours": hours})).data["setQuietHours"]
    shown = (await execute(asked, person)).data["viewer"]["quietHours"]
    ended = (await execute(QUIET, person, input={})).data["setQuietHours"]
    afterwards = (await execute(asked, person)).data["viewer"]["quietHours"]

    assert is_set == {"quietHours": hours, "errors": []}
    assert shown == hours
    assert (ended, afterwards) == ({"quietHours": None, "errors": []}, None)


async def test_hours_that_are_none_are_refused(execute: Execute, person: Viewer) -> None:
    hours = {"start": "22:00", "end": "07:00", "timezone": "Mars/Olympus"}

    answer = await execute(QUIET, person, input={"hours": hours})

    assert answer.refusals("setQuietHours") == [{"code": "INVALID_INPUT", "path": ["hours", "timezone"]}]


async def test_a_web_hook_is_registered_and_its_secret_shown_once(
    execute: Execute, session: AsyncSession, person: Viewer
) -> None:
    market_id = global_id("Market", await a_market(session))

    given = {"url": URL, "kinds": ["PAYMENT"], "feeds": [{"marketId": market_id, "after": ""}]}
    answer = (await execute(REGISTER, person, input=given)).data["registerWebhook"]

    webhook = (await session.scalars(select(Webhook))).one()
    shown = answer["webhook"]
    [feed] = shown.pop("feeds")["edges"]
    assert (answer["errors"], signatures.read(answer["secret"])) == ([], webhook.secret)
    assert shown == {"url": URL, "kinds": ["PAYMENT"], "disabledAt": None}
    assert (feed["node"]["attempts"], feed["node"]["market"]) == (0, {"id": market_id})
    again = {**given, "feeds": [{"marketId": market_id, "after": feed["node"]["cursor"]}]}
    assert (await execute(REGISTER, person, input=again)).data["registerWebhook"]["errors"] == []


@pytest.mark.parametrize(
    ("given", "addresses", "expected"),
    [
        ({"url": "http://hooks.example.org/"}, None, ("WebhookUrlRefused", "WEBHOOK_URL_REFUSED", ["url"])),
        ({"url": "https://"}, None, ("WebhookUrlRefused", "WEBHOOK_URL_REFUSED", ["url"])),
        ({}, [], ("PrivateAddressRefused", "PRIVATE_ADDRESS", ["url"])),
        ({}, ["127.0.0.1"], ("PrivateAddressRefused", "PRIVATE_ADDRESS", ["url"])),
        ({}, ["93.184.216.34", "::ffff:10.0.0.1"], ("PrivateAddressRefused", "PRIVATE_ADDRESS", ["url"])),
        ({"kinds": []}, None, ("InvalidInput", "INVALID_INPUT", ["kinds"])),
        ({"feeds": [{"marketId": global_id("Market", new_id())}]}, None, ("NotFound", "NOT_FOUND", None)),
    ],
)
async def test_what_may_not_be_registered_is_refused(
    execute: Execute,
    session: AsyncSession,
    person: Viewer,
    found: list[Address],
    given: dict[str, Any],
    addresses: list[str] | None,
    expected: tuple[str, str, list[str] | None],
) -> None:
    if addresses is not None:
        found[:] = [ip_address(address) for address in addresses]

    answer = await execute(REGISTER, person, input={"url": URL, "kinds": ["PAYMENT"], **given})

    [error] = answer.refusals("registerWebhook")
    assert (error["__typename"], error["code"], error["path"]) == expected
    assert error.get("host", "hooks.example.org") == "hooks.example.org"
    assert answer.data["registerWebhook"]["secret"] is None
    assert await count(session, Webhook) == 0


async def test_a_cursor_of_another_market_is_refused(execute: Execute, session: AsyncSession, person: Viewer) -> None:
    one, other = [global_id("Market", await a_market(session)) for _ in range(2)]
    given = {"url": URL, "feeds": [{"marketId": one, "after": ""}]}
    registered = (await execute(REGISTER, person, input=given)).data["registerWebhook"]["webhook"]
    cursor = registered["feeds"]["edges"][0]["node"]["cursor"]

    wrong = await execute(REGISTER, person, input={"url": URL, "feeds": [{"marketId": other, "after": cursor}]})
    twice = await execute(REGISTER, person, input={"url": URL, "feeds": [{"marketId": one}, {"marketId": one}]})

    assert [error["code"] for error in wrong.errors] == ["BAD_USER_INPUT"]
    assert [error["code"] for error in twice.errors] == ["BAD_USER_INPUT"]
    assert await count(session, Webhook) == 1


async def test_nobody_has_more_than_ten(execute: Execute, session: AsyncSession, person: Viewer) -> None:
    for _ in range(webhooks.WEBHOOKS_MAX):
        await a_webhook(session, own(person))

    answer = await execute(REGISTER, person, input={"url": URL, "kinds": ["PAYMENT"]})

    [error] = answer.refusals("registerWebhook")
    assert (error["__typename"], error["maximum"]) == ("TooManyWebhooks", 10)
    assert await count(session, Webhook) == 10


async def test_a_secret_is_replaced(execute: Execute, session: AsyncSession, person: Viewer) -> None:
    webhook_id, old = await a_webhook(session, own(person))

    answer = (await execute(ROTATE, person, input={"id": global_id("Webhook", webhook_id)})).data["rotateWebhookSecret"]

    webhook = await session.get_one(Webhook, webhook_id, populate_existing=True)
    assert (webhook.secret, webhook.previous_secret) == (signatures.read(answer["secret"]), old)
    assert datetime.fromisoformat(answer["webhook"]["previousSecretUntil"]) > datetime.now(UTC)


async def test_a_test_is_on_its_way_and_listed(execute: Execute, session: AsyncSession, person: Viewer) -> None:
    webhook_id, _ = await a_webhook(session, own(person))
    asked = "{ viewer { webhooks(first: 5) { edges { node { url deliveries(last: 5) { totalCount } } } } } }"

    answer = (await execute(TEST, person, input={"id": global_id("Webhook", webhook_id)})).data["testWebhook"]
    listed = (await execute(asked, person)).data["viewer"]["webhooks"]["edges"]

    url = listed[0]["node"]["url"]
    assert answer["delivery"] == {
        "status": "WAITING",
        "channel": "WEBHOOK",
        "notification": None,
        "webhook": {"url": url},
    }
    assert [edge["node"]["deliveries"]["totalCount"] for edge in listed] == [1]


async def test_a_removed_web_hook_is_no_longer_there(execute: Execute, session: AsyncSession, person: Viewer) -> None:
    webhook_id, _ = await a_webhook(session, own(person))
    id = global_id("Webhook", webhook_id)

    answer = (await execute(REMOVE, person, input={"id": id})).data["removeWebhook"]
    again = await execute(REMOVE, person, input={"id": id})
    shown = (await execute("query ($id: ID!) { node(id: $id) { id } }", person, id=id)).data["node"]

    assert answer == {"removedId": id, "errors": []}
    assert again.refusals("removeWebhook") == [{"code": "NOT_FOUND"}]
    assert shown is None


@pytest.mark.parametrize(("document", "name"), [(ROTATE, "rotateWebhookSecret"), (TEST, "testWebhook")])
async def test_a_disabled_web_hook_is_to_be_registered_anew(
    execute: Execute, session: AsyncSession, person: Viewer, document: str, name: str
) -> None:
    webhook_id, secret = await a_webhook(session, own(person))
    await webhooks.disable(session, webhook_id, WebhookDisabledReason.GONE, now=datetime.now(UTC))

    answer = await execute(document, person, input={"id": global_id("Webhook", webhook_id)})

    assert answer.refusals(name) == [
        {"__typename": "WebhookDisabled", "code": "WEBHOOK_DISABLED", "path": ["id"], "reason": "GONE"}
    ]
    assert (await session.get_one(Webhook, webhook_id, populate_existing=True)).secret == secret
    assert await count(session, Delivery) == 0


@pytest.mark.parametrize(
    ("document", "given"),
    [
        (MARK, {}),
        (PREFER, {"kind": "PAYMENT", "channel": "MAIL", "isWanted": False}),
        (QUIET, {}),
        (REGISTER, {"url": URL, "kinds": ["PAYMENT"]}),
        (ROTATE, {"id": global_id("Webhook", new_id())}),
        (REMOVE, {"id": global_id("Webhook", new_id())}),
        (TEST, {"id": global_id("Webhook", new_id())}),
    ],
)
async def test_only_people_change_anything(
    execute: Execute, session: AsyncSession, person: Viewer, document: str, given: dict[str, Any]
) -> None:
    key = Viewer(user_id=person.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.PARTNER, scopes=frozenset({READ}))

    by_key, by_nobody = await execute(document, key, input=given), await execute(document, input=given)

    assert [error["code"] for error in by_key.errors] == ["FORBIDDEN"]
    assert [error["code"] for error in by_nobody.errors] == ["UNAUTHENTICATED"]
    assert await count(session, Webhook) == 0


async def test_an_application_that_may_not_read_learns_nothing(
    execute: Execute, session: AsyncSession, person: Viewer
) -> None:
    await a_message(session, own(person))
    await a_webhook(session, own(person))
    meter = Viewer(user_id=person.user_id, api_key_id=new_id(), api_key_kind=ApiKeyKind.METER)
    asked = """{ viewer { unreadNotificationCount notificationPreferences { kind } quietHours { start }
      notifications { totalCount } webhooks { totalCount } } }"""

    told = (await execute(asked, meter)).data["viewer"]

    assert told == {
        "unreadNotificationCount": 0,
        "notificationPreferences": [],
        "quietHours": None,
        "notifications": {"totalCount": 0},
        "webhooks": {"totalCount": 0},
    }
