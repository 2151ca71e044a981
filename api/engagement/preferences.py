"""Opting out, over GraphQL."""

import strawberry

from api.graphql.context import Info
from api.graphql.mutations import Payload, mutation
from api.resources import clock
from domain.engagement import preferences


@strawberry.type(description="Whether the viewer takes part in what is told of members to others.")
class EngagementPreference:
    is_opted_out: bool = strawberry.field(
        description="Whether the viewer is left out: hidden from cards, ratings and leaderboards, and of no mean."
    )


@strawberry.input(description="Whether to take part.")
class SetEngagementPreferenceInput:
    opt_out: bool = strawberry.field(
        description="True to be left out of cards, ratings, leaderboards and means that others see; false to take part."
    )


@strawberry.type(description="The preference as it is now.")
class SetEngagementPreferencePayload(Payload):
    preference: EngagementPreference | None = strawberry.field(default=None, description="The preference.")


@strawberry.type
class EngagementPreferenceViewer:
    @strawberry.field(description="Whether the viewer takes part; null for applications that may not read.")
    async def engagement_preference(self, info: Info) -> EngagementPreference | None:
        viewer = info.context.caller
        if viewer.user_id is None or not viewer.may_read:
            return None
        async with info.context.database.reading() as connection:
            said = await preferences.is_opted_out(connection, viewer.user_id)
        return EngagementPreference(is_opted_out=said)


@strawberry.type
class EngagementPreferenceMutations:
    @mutation("Opt out of what is told of members to others, or in again; at once, in all communities.")
    async def set_engagement_preference(
        self, info: Info, input: SetEngagementPreferenceInput
    ) -> SetEngagementPreferencePayload:
        async with info.context.transaction() as session:
            await preferences.set_preference(session, info.context.caller, is_opted_out=input.opt_out, now=clock.now())
        return SetEngagementPreferencePayload(preference=EngagementPreference(is_opted_out=input.opt_out))
