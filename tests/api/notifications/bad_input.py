"""Web hooks, preferences and quiet hours that may not be."""

from typing import Any

from tests.api.hostile.rows import NOBODYS, Row, Section, done, framed, of, subscribed

A_WEBHOOK = {"url": "https://93.184.216.34/", "kinds": ["PAYMENT"]}
HOURS = {"start": "22:00", "end": "07:00", "timezone": "Europe/Luxembourg"}
NO_CHARACTERS = "An address has 1 to 2000 printable ASCII characters, no blanks and no backslashes. [url]"
FOLLOW = "subscription S($after: String) { notifications(after: $after) { cursor } }"


def registered(role: str = "member", **changes: Any) -> Any:
    return done("registerWebhook", {**A_WEBHOOK, **changes}, role)


def quiet(**changes: Any) -> Any:
    return done("setQuietHours", {"hours": {**HOURS, **changes}}, "member")


NOTIFICATIONS = (
    Row(
        "a web hook without TLS",
        registered(url="http://93.184.216.34/"),
        200,
        "WEBHOOK_URL_REFUSED",
        "The address must begin with https://. [url]",
    ),
    Row(
        "a web hook on this machine",
        registered(url="https://127.0.0.1/"),
        200,
        "PRIVATE_ADDRESS",
        "127.0.0.1 is not a host on the public Internet. [url]",
    ),
    Row(
        "a web hook on this machine, written as a number",
        registered(url="https://2130706433/"),
        200,
        "PRIVATE_ADDRESS",
        "2130706433 is not a host on the public Internet. [url]",
    ),
    Row(
        "a web hook on this machine, by version 6",
        registered(url="https://[::1]/"),
        200,
        "PRIVATE_ADDRESS",
        "::1 is not a host on the public Internet. [url]",
    ),
    Row(
        "a web hook on a private address, mapped",
        registered(url="https://[::ffff:10.0.0.1]/"),
        200,
        "PRIVATE_ADDRESS",
        "is not a host on the public Internet. [url]",
    ),
    Row(
        "a web hook where a cloud keeps its secrets",
        registered(url="https://169.254.169.254/latest/meta-data"),
        200,
        "PRIVATE_ADDRESS",
        "169.254.169.254 is not a host on the public Internet. [url]",
    ),
    Row(
        "a web hook that is a file",
        registered(url="file:///etc/passwd"),
        200,
        "WEBHOOK_URL_REFUSED",
        "The address must begin with https://. [url]",
    ),
    Row(
        "a web hook with a password",
        registered(url="https://a:b@example.org/"),
        200,
        "WEBHOOK_URL_REFUSED",
        "An address holds neither a user's name nor a fragment. [url]",
    ),
    Row(
        "a web hook without a host",
        registered(url="https://"),
        200,
        "WEBHOOK_URL_REFUSED",
        "The address names no host; names beyond ASCII are written in punycode. [url]",
    ),
    Row(
        "a web hook with a line break",
        registered(url="https://example.org/\r\nhost: x"),
        200,
        "WEBHOOK_URL_REFUSED",
        NO_CHARACTERS,
    ),
    Row("a web hook with NUL", registered(url="https://example.org/\x00"), 200, "WEBHOOK_URL_REFUSED", NO_CHARACTERS),
    Row(
        "a web hook of 100,000 characters",
        registered(url="https://example.org/" + "x" * 100_000),
        200,
        "WEBHOOK_URL_REFUSED",
        NO_CHARACTERS,
    ),
    Row(
        "a web hook at port 99999",
        registered(url="https://example.org:99999/"),
        200,
        "WEBHOOK_URL_REFUSED",
        "This is not an address. [url]",
    ),
    Row(
        "a web hook for nothing",
        registered(kinds=[]),
        200,
        "INVALID_INPUT",
        "Name at least one kind of notification or one market. [kinds]",
    ),
    Row(
        "a web hook for a kind that is not there",
        registered(kinds=["WEATHER"]),
        400,
        "BAD_USER_INPUT",
        "Value 'WEATHER' does not exist in 'NoticeKind' enum.",
    ),
    Row(
        "a web hook for a market that is not there",
        registered(feeds=[{"marketId": f"Market:{NOBODYS}"}]),
        200,
        "NOT_FOUND",
        "There is no market",
    ),
    Row(
        "a web hook for the markets of a whole country",
        registered(feeds=[{"marketId": f"Market:{NOBODYS}"}] * 21),
        200,
        "INVALID_INPUT",
        "A web hook follows at most 20 markets. [feeds]",
    ),
    Row(
        "a web hook for one market twice",
        registered(feeds=[{"marketId": f"Market:{NOBODYS}"}] * 2),
        200,
        "BAD_USER_INPUT",
        "A market is named twice. [feeds]",
    ),
    Row(
        "a web hook with a cursor that is none",
        registered(feeds=[{"marketId": f"Market:{NOBODYS}", "after": "%%%"}]),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this stream. [after]",
    ),
    Row(
        "a web hook by an application",
        registered(role="partner that reads"),
        200,
        "FORBIDDEN",
        "Applications may not do this.",
    ),
    Row(
        "another's web hook removed",
        done("removeWebhook", of("Webhook", "ada's"), "member"),
        200,
        "NOT_FOUND",
        "There is no web hook",
    ),
    Row(
        "another's web hook tested, by who administers all",
        done("testWebhook", of("Webhook", "bob's")),
        200,
        "NOT_FOUND",
        "There is no web hook",
    ),
    Row(
        "another's notification marked as read",
        done("markNotificationsRead", lambda id_of: {"ids": [id_of("Notification", "ada's")]}, "member"),
        200,
        "NOT_FOUND",
        "There is no notification",
    ),
    Row(
        "101 notifications marked as read",
        done("markNotificationsRead", {"ids": [f"Notification:{NOBODYS}"] * 101}, "member"),
        200,
        "BAD_USER_INPUT",
        "At most 100 ids at a time. [ids]",
    ),
    Row(
        "a preference for a channel that is not there",
        done("setNotificationPreference", {"kind": "PAYMENT", "channel": "PIGEON", "isWanted": True}, "member"),
        400,
        "BAD_USER_INPUT",
        "Value 'PIGEON' does not exist in 'NotificationChannel' enum.",
    ),
    Row(
        "quiet hours from 25 o'clock",
        quiet(start="25:00"),
        200,
        "INVALID_INPUT",
        "A time of day is text such as 22:00. [hours.start]",
    ),
    Row(
        "quiet hours that end when they start",
        quiet(end="22:00"),
        200,
        "INVALID_INPUT",
        "Quiet hours end at another time than they start. [hours.end]",
    ),
    Row(
        "quiet hours of a file",
        quiet(timezone="../../etc/passwd"),
        200,
        "INVALID_INPUT",
        "A time zone is named as in Europe/Luxembourg. [hours.timezone]",
    ),
    Row(
        "quiet hours with NUL",
        quiet(timezone="UTC\x00"),
        200,
        "INVALID_INPUT",
        "A time zone is named as in Europe/Luxembourg. [hours.timezone]",
    ),
    Row(
        "notifications after a cursor of another's stream",
        framed(subscribed(FOLLOW, variables={"after": "W10"}), role="member"),
        200,
        "BAD_USER_INPUT",
        "The cursor is not one of this stream. [after]",
    ),
)

SECTIONS = (Section("Notifications and web hooks", NOTIFICATIONS, place=160),)
