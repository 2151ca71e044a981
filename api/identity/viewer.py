"""Who asks."""

import strawberry

from api.engine.declarations import global_id, leading
from api.engine.fields import edge, many
from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from domain.identity import languages
from domain.identity.tables import Language, PlatformRole
from domain.kernel.errors import NotAllowed


@strawberry.type
class UserViewer:
    @strawberry.field(description="For caches of clients: the same for all that one account reads of itself. No node.")
    def id(self, info: Info) -> strawberry.ID:
        user_id = info.context.viewer.user_id
        assert user_id is not None, "nobody is no viewer"
        return global_id("Viewer", user_id)

    user = edge(None, "User", "The account that is signed in, or for which the application acts.")

    sessions = many(
        "Session", "The devices on which the viewer is signed in, oldest tokens first; none for applications."
    )
    api_keys = many("ApiKey", "The viewer's keys of applications, also those that have ended; none for applications.")

    @strawberry.field(description="Platform roles; an application has none.")
    def roles(self, info: Info) -> list[PlatformRole]:
        return sorted(info.context.viewer.roles)


@strawberry.input(description="A language for the caller.")
class SetLanguageInput:
    language: Language = strawberry.field(description="What messages are to be written in from now on.")


@strawberry.type(description="The caller's account as it is now.")
class SetLanguagePayload(Payload):
    user = edge(None, "User", "The account.")


@strawberry.type
class UserMutations:
    @mutation("Choose the language of the caller's messages; those that were written stay as they are.")
    async def set_language(self, info: Info, input: SetLanguageInput) -> SetLanguagePayload:
        viewer = info.context.caller
        if viewer.user_id is None or viewer.api_key_id is not None:
            raise NotAllowed("do this with a key")
        async with info.context.transaction() as session:
            await languages.choose(session, viewer.user_id, input.language)
        return leading(SetLanguagePayload(), user=viewer.user_id)
