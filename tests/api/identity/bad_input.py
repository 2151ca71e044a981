"""Keys, sessions and log-ins that may not be."""

from tests.api.hostile.rows import NOBODYS, Row, Section, done, of

IDENTITY = (
    Row(
        "a key that ends tomorrow a year later",
        done("createApiKey", {"name": "x", "kind": "PARTNER", "scopes": ["read"], "expiresAt": "9999-01-01T00:00:00Z"}),
        400,
        "BAD_USER_INPUT",
        "The DateTime is out of range: its year is 2 to 9998.",
    ),
    Row(
        "a key with a scope of another kind",
        done("createApiKey", {"name": "x", "kind": "METER", "scopes": ["read"], "expiresAt": "2026-12-01T00:00:00Z"}),
        200,
        "INVALID_INPUT",
        "A METER key takes some of: readings:write. [scopes]",
    ),
    Row(
        "a key with NUL in its name",
        done(
            "createApiKey",
            {"name": "a\x00b", "kind": "PARTNER", "scopes": ["read"], "expiresAt": "2026-12-01T00:00:00Z"},
        ),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row("another's key", done("revokeApiKey", of("ApiKey", "bob's")), 200, "NOT_FOUND", "There is no API key"),
    Row(
        "a wrong password",
        done("logIn", {"email": "bob@example.org", "password": "x"}, role="nobody"),
        200,
        "WRONG_CREDENTIALS",
        "The e-mail address or the password is wrong.",
    ),
    Row(
        "an address with NUL at the door",
        done("logIn", {"email": "a\x00b", "password": "x"}, role="nobody"),
        200,
        "WRONG_CREDENTIALS",
        "The e-mail address or the password is wrong.",
    ),
    Row(
        "a password of 100,000 characters",
        done("logIn", {"email": "cyn@example.org", "password": "x" * 100_000}, role="nobody"),
        200,
        "WRONG_CREDENTIALS",
        "The e-mail address or the password is wrong.",
    ),
    Row(
        "a session that is not there",
        done("endSession", {"id": f"Session:{NOBODYS}"}, role="member"),
        200,
        "NOT_FOUND",
        "There is no session",
    ),
    Row(
        "an account for what is no address",
        done("register", {"email": "a b", "name": "x"}, role="nobody"),
        200,
        "INVALID_INPUT",
        "This is not an e-mail address. [email]",
    ),
    Row(
        "an account without a name",
        done("register", {"email": "new@example.org", "name": " "}, role="nobody"),
        200,
        "INVALID_INPUT",
        "A name has 1 to 120 characters, none of them a control character. [name]",
    ),
    Row(
        "a registration by a link that is none",
        done("confirmRegistration", {"token": "cwl_\x00\u00e9", "password": "long enough it is"}, role="nobody"),
        200,
        "LINK_ENDED",
        "This link has ended or was used. Ask for a new one. [token]",
    ),
    Row(
        "a new password by a link that we never made",
        done("resetPassword", {"token": "cwl_" + "A" * 64, "password": "long enough it is"}, role="nobody"),
        200,
        "LINK_ENDED",
        "This link has ended or was used. Ask for a new one. [token]",
    ),
    Row(
        "a new password for what is no address",
        done("requestPasswordReset", {"email": "x"}, role="nobody"),
        200,
        "INVALID_INPUT",
        "This is not an e-mail address. [email]",
    ),
    Row(
        "another address by an empty link",
        done("confirmEmail", {"token": ""}, role="nobody"),
        200,
        "LINK_ENDED",
        "This link has ended or was used. Ask for a new one. [token]",
    ),
    Row(
        "a password of nine characters",
        done("changePassword", {"password": "x", "newPassword": "123456789"}, role="member"),
        200,
        "INVALID_INPUT",
        "A password has 10 to 256 characters. [newPassword]",
    ),
    Row(
        "another address for a key",
        done("changeEmail", {"email": "x@example.org", "password": "x"}, role="partner that trades"),
        200,
        "FORBIDDEN",
        "Applications may not do this.",
    ),
    Row(
        "a profile with NUL",
        done("changeProfile", {"address": "a\x00b"}, role="member"),
        200,
        "INVALID_INPUT",
        "Give 1 to 300 printable characters, or none. [address]",
    ),
    Row(
        "a refresh token that is none",
        done("refreshSession", {"refreshToken": "cwr_\x00\u00e9"}, role="nobody"),
        200,
        "SESSION_ENDED",
        "This session has ended. Sign in again. [refreshToken]",
    ),
)

SETTINGS = {"secret": "hostile" * 5}
SECTIONS = (Section("Log-ins, sessions and keys", IDENTITY, place=80),)
