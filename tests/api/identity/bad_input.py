"""Keys, sessions and log-ins that may not be."""

from tests.api.hostile.rows import Row, Section, done, of

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
        "a refresh token that is none",
        done("refreshSession", {"refreshToken": "cwr_\x00\u00e9"}, role="nobody"),
        200,
        "SESSION_ENDED",
        "This session has ended. Sign in again. [refreshToken]",
    ),
)

SECTIONS = (Section("Log-ins, sessions and keys", IDENTITY, place=80),)
