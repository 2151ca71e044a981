"""Requests that are wrong before any value of the domain is looked at."""

from tests.api.hostile.rows import JSON, Row, asked, body

HELLO = b'{"query": "{ __typename }"}'
DOUBLING = " ".join(f"fragment F{i} on Query {{ ...F{i + 1} ...F{i + 1} }}" for i in range(22))
BOMB = f"{{ __typename ...F0 }} {DOUBLING} fragment F22 on Query {{ __typename }}"
NESTED_LISTS = """
{
communities(first: 100) {
edges {
node { members(first: 100) { edges { node { memberships(first: 100) { totalCount } } } } } } } }
"""
DEEP = (
    "{ communities { edges { node { "
    + "members { edges { node { memberships { edges { node { community { " * 3
    + "id"
    + " } } } } } } }" * 3
    + " } } } }"
)

REQUESTS = (
    Row(
        "an empty body",
        body(b""),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: Input is a zero-length, empty document at line 1, column 1.",
    ),
    Row(
        "a body that is not JSON",
        body(b"{query: hello}"),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: unexpected character, expected a string key at line 1, column 2.",
    ),
    Row(
        "a body cut off",
        body(HELLO[:-2]),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: unexpected end of data at line 1, column 26.",
    ),
    Row("a body that is null", body(b"null"), 400, "BAD_USER_INPUT", "The body must be a JSON object."),
    Row("a body that is a number", body(b"1"), 400, "BAD_USER_INPUT", "The body must be a JSON object."),
    Row(
        "a batch",
        body(b"[" + HELLO + b"]"),
        400,
        "BAD_USER_INPUT",
        "Batches are not offered: send one operation per request.",
    ),
    Row(
        "a body in UTF-16",
        body(HELLO.decode().encode("utf-16")),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: str is not valid UTF-8: surrogates not allowed at line 1, column 1.",
    ),
    Row(
        "invalid UTF-8",
        body(b'{"query": "{ \xff }"}'),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: str is not valid UTF-8: surrogates not allowed at line 1, column 1.",
    ),
    Row(
        "JSON with NaN",
        body(b'{"query": "{ __typename }", "variables": {"a": NaN}}'),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: unexpected character, expected a JSON value at line 1, column 48.",
    ),
    Row(
        "60,000 nested arrays",
        body(b'{"query": "{ a }", "variables": {"a": ' + b"[" * 60_000 + b"]" * 60_000 + b"}}"),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: depth limit exceeded at line 1, column 1062.",
    ),
    Row(
        "a body of 300 KiB",
        body(b'{"query": "{ a }' + b" " * 307_200 + b'"}'),
        413,
        "PAYLOAD_TOO_LARGE",
        "The body is larger than the 262144 bytes allowed here.",
    ),
    Row(
        "a lone surrogate in a variable",
        body(
            b'{"query": "query Q($n: String) { communities(filter: {name: $n}) { totalCount } }", '
            b'"variables": {"n": "\\ud800"}}'
        ),
        400,
        "BAD_USER_INPUT",
        "The body is not JSON: no low surrogate in string at line 1, column 105.",
    ),
    Row(
        "a lone surrogate in the document",
        asked('{ communities(filter: {name: "\\uD800"}) { totalCount } }'),
        400,
        "GRAPHQL_PARSE_FAILED",
        "Syntax Error: Invalid Unicode escape sequence: '\\uD800'.",
    ),
    Row(
        "variables that are a list",
        body(b'{"query": "{ __typename }", "variables": []}'),
        400,
        "BAD_USER_INPUT",
        "'variables' must be an object or null.",
    ),
    Row("a query that is a number", body(b'{"query": 1}'), 400, "BAD_USER_INPUT", "'query' must be a string or null."),
    Row("no query", body(b"{}"), 400, "BAD_USER_INPUT", "'query' is missing: send the text of a GraphQL document."),
    Row(
        "an operation that is not there",
        body(b'{"query": "query A { __typename } query B { __typename }", "operationName": "C"}'),
        400,
        "BAD_USER_INPUT",
        'Unknown operation named "C".',
    ),
    Row(
        "a form",
        body(b"query=%7B__typename%7D", headers={"content-type": "application/x-www-form-urlencoded"}),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The content type must be application/json.",
    ),
    Row(
        "text",
        body(HELLO, headers={"content-type": "text/plain"}),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The content type must be application/json.",
    ),
    Row(
        "another charset",
        body(HELLO, headers={"content-type": "application/json; charset=latin-1"}),
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "The charset must be UTF-8.",
    ),
    Row(
        "GET with a mutation",
        body(b"", method="GET", path="/graphql?query=mutation%7B__typename%7D"),
        405,
        "METHOD_NOT_ALLOWED",
        "A GET may not change anything: send mutations by POST.",
    ),
    Row(
        "GET with variables that are no JSON",
        body(b"", method="GET", path="/graphql?query=%7B__typename%7D&variables=x"),
        400,
        "BAD_USER_INPUT",
        "'variables' is not JSON: unexpected character, expected a JSON value at line 1, column 1.",
    ),
    Row(
        "DELETE",
        body(b"", method="DELETE"),
        405,
        "METHOD_NOT_ALLOWED",
        "DELETE is not offered here: send GraphQL by POST.",
    ),
    Row(
        "a Content-Length that is no number",
        body(HELLO, headers=JSON | {"content-length": "many"}),
        400,
        "BAD_USER_INPUT",
        "Content-Length must be a number.",
    ),
    Row(
        "a token nobody has",
        body(HELLO, headers=JSON | {"authorization": "Bearer cwa_nobody"}),
        401,
        "UNAUTHENTICATED",
        "The token is unknown or has ended.",
    ),
    Row(
        "basic authentication",
        body(HELLO, headers=JSON | {"authorization": "Basic YTpi"}),
        401,
        "UNAUTHENTICATED",
        "The authorization must read 'Bearer <token>'.",
    ),
    Row(
        "a token beyond ASCII",
        body(HELLO, headers=JSON | {"authorization": "Bearer cwa_\xe9"}),
        401,
        "UNAUTHENTICATED",
        "The token is unknown or has ended.",
    ),
    Row(
        "a key of a kind that is none",
        body(HELLO, headers=JSON | {"authorization": "Bearer cwx_1"}),
        401,
        "UNAUTHENTICATED",
        "The token is unknown or has ended.",
    ),
    Row(
        "introspection by nobody",
        asked("{ __schema { types { name } } }", role="nobody"),
        401,
        "UNAUTHENTICATED",
        "Introspection is for authenticated callers; the schema is published as a file.",
    ),
    Row(
        "a syntax error",
        asked("{ communities( }"),
        400,
        "GRAPHQL_PARSE_FAILED",
        "Syntax Error: Expected Name, found '}'.",
    ),
    Row(
        "a field that is not there",
        asked("{ communities { secrets } }"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot query field 'secrets' on type 'CommunityConnection'.",
    ),
    Row(
        "an unknown argument",
        asked("{ communities(offset: 1) { totalCount } }"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
        "Unknown argument 'offset' on field 'Query.communities'.",
    ),
    Row(
        "a variable of another type",
        asked("query Q($n: Int!) { communities(first: $n) { totalCount } }", {"n": "ten"}),
        400,
        "BAD_USER_INPUT",
        "Variable '$n' has invalid value: Int cannot represent non-integer value: 'ten'",
    ),
    Row(
        "a variable that is missing",
        asked("query Q($n: Int!) { communities(first: $n) { totalCount } }"),
        400,
        "BAD_USER_INPUT",
        "Variable '$n' has invalid value: Expected a value of non-null type 'Int!' to be provided.",
    ),
    Row(
        "a page size above 32 bits",
        asked("query Q($n: Int) { communities(first: $n) { totalCount } }", {"n": 2**40}),
        400,
        "QUERY_TOO_COMPLEX",
        "The document may return 1000000000 nodes; at most 10000 are allowed. Ask for smaller pages.",
    ),
    Row(
        "a literal page size above 32 bits",
        asked("{ communities(first: 99999999999) { totalCount } }"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
        "Int cannot represent non 32-bit signed integer value: 99999999999",
    ),
    Row(
        "fragments that double 22 times",
        asked(BOMB),
        400,
        "QUERY_TOO_COMPLEX",
        "The document uses 21 root selections; at most 20 are allowed.",
    ),
    Row(
        "fragments in a circle",
        asked("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
        "Cannot spread fragment 'A' within itself via 'B'.",
    ),
    Row(
        "21 root fields",
        asked("{ " + " ".join(f"a{i}: __typename" for i in range(21)) + " }"),
        400,
        "QUERY_TOO_COMPLEX",
        "The document uses 21 root selections; at most 20 are allowed.",
    ),
    Row(
        "31 aliases",
        asked("{ communities { " + " ".join(f"a{i}: totalCount" for i in range(31)) + " } }"),
        400,
        "QUERY_TOO_COMPLEX",
        "The document uses 31 aliases; at most 30 are allowed.",
    ),
    Row(
        "eleven directives",
        asked("{ __typename " + "@include(if: true) " * 11 + "}"),
        400,
        "TOO_MANY_DIRECTIVES",
        "The document uses 11 directives; at most 10 are allowed.",
    ),
    Row(
        "a document 20 levels deep",
        asked(DEEP),
        400,
        "QUERY_TOO_DEEP",
        "The document is nested 13 levels deep; at most 12 are allowed.",
    ),
    Row(
        "a million nodes",
        asked(NESTED_LISTS),
        400,
        "QUERY_TOO_COMPLEX",
        "The document may return 1010100 nodes; at most 10000 are allowed. Ask for smaller pages.",
    ),
    Row(
        "10,000 tokens",
        asked("{ " + "a " * 10_000 + "}"),
        400,
        "QUERY_TOO_COMPLEX",
        "Syntax Error: Document contains more than 1500 tokens. Parsing aborted.",
    ),
    Row(
        "a subscription by POST",
        asked('subscription { jobProgress(id: "x") { id } }'),
        400,
        "BAD_USER_INPUT",
        "Subscriptions need a stream: use graphql-transport-ws, or accept text/event-stream.",
    ),
    Row(
        "an unpublished document id",
        body(b'{"extensions": {"persistedQuery": {"version": 1, "sha256Hash": "abc"}}}'),
        200,
        "PERSISTED_QUERY_NOT_SUPPORTED",
        "PersistedQueryNotSupported",
    ),
)
