"""Users and the viewer."""

from api.engine.declarations import Node, entity
from api.engine.fields import column
from api.graphql.scalars import DateTime
from domain.identity import tables, visibility


@entity(tables.User, visible=visibility.users)
class User(Node):
    """A person who signs in. Visible to that person and to administrators."""

    email: str = column(tables.User.email, "E-mail address used to sign in.")
    name: str = column(tables.User.name, "Name of the person.")
    address: str | None = column(tables.User.address, "Postal address, as the person wrote it.")
    phone: str | None = column(tables.User.phone, "Telephone number, as the person wrote it.")
    language: tables.Language = column(
        tables.User.language,
        "What messages are written in: as chosen, or else as the browser asked at the last log-in.",
    )
    created_at: DateTime = column(tables.User.created_at, "When the account was made.")


@entity(tables.ApiKey, visible=visibility.api_keys)
class ApiKey(Node):
    """A key of an application. Visible to its owner when signed in with a password."""

    name: str = column(tables.ApiKey.name, "What the owner calls it.")
    kind: tables.ApiKeyKind = column(tables.ApiKey.kind, "What the application is.")
    prefix: str = column(tables.ApiKey.prefix, "First characters of the key, to recognise it by.")
    scopes: list[str] = column(tables.ApiKey.scopes, "What it may do: read, trade or readings:write.")
    expires_at: DateTime = column(tables.ApiKey.expires_at, "When it ends.")
    last_used_at: DateTime | None = column(tables.ApiKey.last_used_at, "When it was last used, to the minute.")
    revoked_at: DateTime | None = column(tables.ApiKey.revoked_at, "When its owner ended it.")
    created_at: DateTime = column(tables.ApiKey.created_at, "When it was made.")
