"""Reads a GraphQL request from HTTP; whatever is wrong with it is a coded 4xx.

Decision, 2026-11-30: texts are not stored by the hashes that Apollo's automatic persisted queries send. A published
document (`trusted`) is found by its hash in the same way; anything else is answered so that the client sends its text
and, where nothing is published, asks by hashes no more. A store that strangers fill would cost more than it saves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request

from api.transport.documents.documents import hash_of
from api.transport.terms.errors import (
    BadUserInput,
    MethodNotAllowed,
    PersistedQueryNotFound,
    PersistedQueryNotSupported,
    UnsupportedMediaType,
)

READING = ("GET", "HEAD")  # Whatever they ask changes nothing.
JSON_PARAMETERS = ("variables", "extensions")


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    query: str | None
    variables: dict[str, Any] = field(default_factory=dict)
    operation_name: str | None = None
    may_change: bool = True  # A GET may only ask.


async def read(request: Request, trusted: Mapping[str, str]) -> GraphQLRequest:
    """The request, with the text of a trusted document put in place of its id."""
    if request.method == "POST":
        _check_content_type(request.headers.get("content-type", ""))
        return from_parameters(parse_json(await request.body()), trusted)
    if request.method in READING:
        return _of_get(request, trusted)
    raise MethodNotAllowed(f"{request.method} is not offered here: send GraphQL by POST.", (*READING, "POST"))


def parse_json(text: bytes | str, name: str = "The body") -> Any:
    """The value of a JSON text. Raises BadUserInput for what is not JSON, not UTF-8 or nested too deep."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadUserInput(f"{name} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.") from None


def from_parameters(parameters: object, trusted: Mapping[str, str], *, may_change: bool = True) -> GraphQLRequest:
    """A request from its JSON object. Raises BadUserInput naming the member that is wrong."""
    if isinstance(parameters, list):
        raise BadUserInput("Batches are not offered: send one operation per request.")
    if not isinstance(parameters, dict):
        raise BadUserInput("The body must be a JSON object.")
    query = _member(parameters, "query", str, "a string")
    variables = _member(parameters, "variables", dict, "an object") or {}
    operation_name = _member(parameters, "operationName", str, "a string")
    extensions = _member(parameters, "extensions", dict, "an object") or {}
    text = _text(query, _document_id(parameters, extensions), trusted)
    return GraphQLRequest(text, variables, operation_name or None, may_change)


def _member(parameters: dict[str, Any], name: str, kind: type, shape: str) -> Any:
    value = parameters.get(name)
    if value is not None and not isinstance(value, kind):
        raise BadUserInput(f"'{name}' must be {shape} or null.")
    return value


def _document_id(parameters: dict[str, Any], extensions: dict[str, Any]) -> str | None:
    """The id of a trusted document: `documentId`, or `extensions.persistedQuery.sha256Hash` as Apollo sends it."""
    persisted = extensions.get("persistedQuery")
    if persisted is not None and not isinstance(persisted, dict):
        raise BadUserInput("'extensions.persistedQuery' must be an object.")
    document_id = parameters.get("documentId") or extensions.get("documentId") or (persisted or {}).get("sha256Hash")
    if document_id is not None and not isinstance(document_id, str):
        raise BadUserInput("The document id must be a string.")
    return document_id.removeprefix("sha256:") if document_id else None


def _text(query: str | None, document_id: str | None, trusted: Mapping[str, str]) -> str | None:
    if document_id is None:
        return query
    if query:
        if hash_of(query) != document_id:
            raise BadUserInput("The document id is not the SHA-256 of 'query'.")
        return query
    if document_id in trusted:
        return trusted[document_id]
    if trusted:
        raise PersistedQueryNotFound("PersistedQueryNotFound")  # Apollo Client compares these texts.
    raise PersistedQueryNotSupported("PersistedQueryNotSupported")


def _of_get(request: Request, trusted: Mapping[str, str]) -> GraphQLRequest:
    parameters: dict[str, Any] = {name: value for name, value in request.query_params.items() if value}
    for name in JSON_PARAMETERS:
        if name in parameters:
            parameters[name] = parse_json(parameters[name], f"'{name}'")
    return from_parameters(parameters, trusted, may_change=False)


def _check_content_type(content_type: str) -> None:
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind != "application/json":
        raise UnsupportedMediaType("The content type must be application/json.")
    charsets = [part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")]
    if any(charset not in {"utf-8", "utf8"} for charset in charsets):
        raise UnsupportedMediaType("The charset must be UTF-8.")
