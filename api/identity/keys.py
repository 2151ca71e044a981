"""Keys of applications."""

import strawberry

from api.engine.declarations import leading
from api.engine.fields import edge
from api.graphql.context import Info
from api.graphql.mutations import ErrorCode, Payload, UserError, mutation, refusal
from api.graphql.scalars import DateTime, key_of
from api.resources.settings import Caps
from domain.identity import keys
from domain.identity.tables import ApiKeyKind
from domain.identity.viewers import Viewer
from domain.kernel.errors import NotAllowed

TOO_MANY_API_KEYS = ErrorCode("TOO_MANY_API_KEYS", "The caller has as many keys as one may have.")


@strawberry.type(description="The caller has as many keys as one may have.")
class TooManyApiKeys(UserError):
    maximum: int = strawberry.field(description="How many one may have.")


@refusal(keys.TooManyApiKeys)
def _too_many(error: keys.TooManyApiKeys) -> UserError:
    return TooManyApiKeys(code=TOO_MANY_API_KEYS, message=error.message, path=None, maximum=error.maximum)


@strawberry.input(description="A key for an application of the caller.")
class CreateApiKeyInput:
    name: str = strawberry.field(description="What to call it, 1 to 120 characters.")
    kind: ApiKeyKind = strawberry.field(description="What the application is.")
    scopes: list[str] = strawberry.field(description="PARTNER: read, trade. METER: readings:write.")
    expires_at: DateTime = strawberry.field(description="When it ends, within the next 366 days.")


@strawberry.input(description="The key to end.")
class RevokeApiKeyInput:
    id: strawberry.ID = strawberry.field(description="Id of one of the caller's keys.")


@strawberry.type(description="A new key; its text is shown this once.")
class CreateApiKeyPayload(Payload):
    api_key = edge(None, "ApiKey", "The key.")
    token: str | None = strawberry.field(default=None, description="The text to send as bearer token; keep it now.")


@strawberry.type(description="An ended key.")
class RevokeApiKeyPayload(Payload):
    api_key = edge(None, "ApiKey", "The key.")


def _person(viewer: Viewer) -> Viewer:
    if viewer.api_key_id is not None:
        raise NotAllowed("manage keys with a key")
    return viewer


@strawberry.type
class KeyMutations:
    @mutation("Make a key for an application that acts for the caller.")
    async def create_api_key(self, info: Info, input: CreateApiKeyInput) -> CreateApiKeyPayload:
        owner = _person(info.context.caller)
        assert owner.user_id is not None
        async with info.context.transaction() as session:
            key_id, token = await keys.create_key(
                session,
                owner.user_id,
                input.kind,
                input.name,
                frozenset(input.scopes),
                input.expires_at,
                most=Caps.keys,
            )
        return leading(CreateApiKeyPayload(token=token), api_key=key_id)

    @mutation("End a key at once.")
    async def revoke_api_key(self, info: Info, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        owner = _person(info.context.caller)
        assert owner.user_id is not None
        key_id = key_of(input.id, "ApiKey", "id")
        async with info.context.transaction() as session:
            await keys.revoke_key(session, key_id, owner_id=owner.user_id)
        return leading(RevokeApiKeyPayload(), api_key=key_id)
