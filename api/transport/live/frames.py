"""What is wrong with the form of a graphql-transport-ws message."""

from typing import Any


def fault_of(message: object) -> str | None:
    """What is wrong with a frame's form; None when nothing is."""
    if not isinstance(message, dict):
        return "A message must be an object"
    kind, payload = message.get("type"), message.get("payload")
    if not isinstance(kind, str):
        return "A message must have a type"
    if payload is not None and not isinstance(payload, dict):
        return f"The payload of {kind} must be an object"
    if kind in {"subscribe", "complete"} and not (isinstance(message.get("id"), str) and message["id"]):
        return f"{kind} must have an id"
    return _fault_of_subscribe(payload) if kind == "subscribe" else None


def _fault_of_subscribe(payload: dict[str, Any] | None) -> str | None:
    if payload is None or not isinstance(payload.get("query"), str):
        return "subscribe must have a payload with a query"
    if not isinstance(payload.get("variables"), dict | None):
        return "The variables must be an object"
    if not isinstance(payload.get("operationName"), str | None):
        return "The operationName must be a string"
    return None
