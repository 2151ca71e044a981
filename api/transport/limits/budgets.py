"""Charges operations to the budget of whoever asks, and guesses at passwords and tokens to their own low limits."""

import math
from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, GraphQLError, GraphQLSchema
from graphql.execution.values import get_argument_values, get_variable_values

from api.transport.limits import devices
from api.transport.limits.limits import Analysis
from api.transport.terms import identity
from api.transport.terms.errors import RateLimited
from api.transport.terms.operations import Operation
from api.transport.terms.rates import Buckets, Taken
from api.transport.terms.settings import Rate, RootFieldRate, TransportSettings

CHARACTERS_PER_POINT = 100
CHARACTERS_MAX = 16 * 1024  # Of longer ones the parser reads no more tokens.


class Budgets:
    def __init__(self, buckets: Buckets, settings: TransportSettings) -> None:
        self.buckets = buckets
        self.settings = settings

    def rate_of(self, viewer: identity.Viewer) -> Rate:
        return self.settings.anonymous_rate if viewer.is_anonymous else self.settings.rate

    async def charge(self, operation: Operation, points: int) -> None:
        """Take the operation's points. Raises RateLimited when they are not there."""
        taken = await self.note(operation, points)
        if not taken.is_granted:
            message = f"This costs {points} points, but only {taken.remaining} are left; wait {taken.retry_after_s} s."
            raise RateLimited(message, taken.retry_after_s, cost=points, remaining=taken.remaining)

    async def note(self, operation: Operation, points: int) -> Taken:
        """Take points if they are there, without refusing."""
        taken = await self.take(*self._bucket(operation), points)
        operation.cost, operation.budget = points, taken
        return taken

    async def take(self, key: str, rate: Rate, points: int) -> Taken:
        """Take points of any bucket, those at hand without waiting."""
        return self.buckets.try_take(key, rate, points) or await self.buckets.take(key, rate, points)

    async def charge_text(self, operation: Operation, text: str) -> None:
        """Take a point for every hundred characters of a text that has to be validated, from a bucket of its own.

        Validating takes four milliseconds for a thousand characters, while nobody else is served. Raises RateLimited.
        """
        key, rate = self._bucket(operation)
        points = min(math.ceil(min(len(text), CHARACTERS_MAX) / CHARACTERS_PER_POINT), rate.capacity)
        taken = await self.take(f"text:{key}", rate, points)
        if not taken.is_granted:
            message = f"Too many new documents: send known ones with variables, or wait {taken.retry_after_s} s."
            raise RateLimited(message, taken.retry_after_s)

    def try_charge(self, operation: Operation, points: int) -> bool:
        """Take points this process has at hand, without waiting. False tells nothing: ask by `charge` or `note`."""
        taken = self.buckets.try_take(*self._bucket(operation), points)
        if taken is not None:
            operation.cost, operation.budget = points, taken
        return taken is not None

    async def give_back(self, operation: Operation) -> None:
        """Undo the charge of an operation that was not run."""
        await self.buckets.give_back(*self._bucket(operation), operation.cost)

    def _bucket(self, operation: Operation) -> tuple[str, Rate]:
        return identity.bucket_key(operation.viewer, operation.address), self.rate_of(operation.viewer)

    async def charge_root_fields(
        self, schema: GraphQLSchema, operation: Operation, analysis: Analysis, variables: Mapping[str, Any]
    ) -> None:
        """One attempt per root field that has its own limit. Raises RateLimited for the first that has none left."""
        for node in analysis.root_fields:
            limit = self.settings.root_field_rates.get(node.name.value)
            if limit is not None:
                arguments = _arguments(schema, analysis, node, variables)
                await self._attempt(node.name.value, limit, operation, arguments)

    async def _attempt(
        self, name: str, limit: RootFieldRate, operation: Operation, arguments: Mapping[str, Any]
    ) -> None:
        account, place = _at(arguments, limit.account), identity.network_of(operation.address)
        if isinstance(account, str):
            device = devices.known(account, limit.device and _at(arguments, limit.device), operation)
            if device is not None:
                await self._take_one(f"{name}:device:{device}", limit.per_account, name)
                return
        await self._take_one(f"{name}:address:{place}", limit.per_address, name)
        if isinstance(account, str):
            digest = devices.digest_of(account)
            await self._take_one(f"{name}:account:{digest}:{place}", limit.per_account, name)
            await self._take_one(f"{name}:account:{digest}", limit.per_account_of_strangers, name)

    async def _take_one(self, key: str, rate: Rate, field: str) -> None:
        taken = await self.buckets.take(key, rate, 1)
        if not taken.is_granted:
            message = f"Too many attempts to {field}; wait {taken.retry_after_s} s."
            raise RateLimited(message, taken.retry_after_s, field=field)


def _arguments(
    schema: GraphQLSchema, analysis: Analysis, node: FieldNode, variables: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The arguments of a root field as its resolver gets them, however the document spells them.

    None where they cannot be had: the field does not run then.
    """
    operation = analysis.operation
    root = schema.get_root_type(operation.operation)
    coerced = get_variable_values(schema, operation.variable_definitions or (), dict(variables))
    if root is None or isinstance(coerced, list):
        return {}
    try:
        return get_argument_values(root.fields[node.name.value], node, coerced)
    except GraphQLError:
        return {}


def _at(found: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of arguments, None where nothing does."""
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
