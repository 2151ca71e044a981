"""Charges operations to the budget of whoever asks, and guesses at passwords and tokens to their own low limits."""

import hashlib
from collections.abc import Mapping
from typing import Any

from graphql import FieldNode, value_from_ast_untyped

from api.transport.limits.limits import Analysis
from api.transport.terms import identity
from api.transport.terms.errors import RateLimited
from api.transport.terms.operations import Operation
from api.transport.terms.rates import Buckets, Taken
from api.transport.terms.settings import Rate, RootFieldRate, TransportSettings


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
        key, rate = self._bucket(operation)
        taken = self.buckets.try_take(key, rate, points) or await self.buckets.take(key, rate, points)
        operation.cost, operation.budget = points, taken
        return taken

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

    async def charge_root_fields(self, operation: Operation, analysis: Analysis, variables: Mapping[str, Any]) -> None:
        """One attempt per root field that has its own limit. Raises RateLimited for the first that has none left."""
        for node in analysis.root_fields:
            limit = self.settings.root_field_rates.get(node.name.value)
            if limit is not None:
                await self._attempt(node, limit, operation, variables)

    async def _attempt(
        self, node: FieldNode, limit: RootFieldRate, operation: Operation, variables: Mapping[str, Any]
    ) -> None:
        name = node.name.value
        account = _account(node, limit.account, variables)
        await self._take_one(f"{name}:address:{identity.network_of(operation.address)}", limit.per_address, name)
        if account is not None:
            await self._take_one(f"{name}:account:{account}", limit.per_account, name)

    async def _take_one(self, key: str, rate: Rate, field: str) -> None:
        taken = await self.buckets.take(key, rate, 1)
        if not taken.is_granted:
            message = f"Too many attempts to {field}; wait {taken.retry_after_s} s."
            raise RateLimited(message, taken.retry_after_s, field=field)


def _account(node: FieldNode, path: tuple[str, ...], variables: Mapping[str, Any]) -> str | None:
    """The digest of the account a root field names; None when it names none (validation then refuses it)."""
    found: Any = {
        argument.name.value: value_from_ast_untyped(argument.value, dict(variables))
        for argument in node.arguments or ()
    }
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return hashlib.sha256(found.strip().lower().encode()).hexdigest() if isinstance(found, str) else None
