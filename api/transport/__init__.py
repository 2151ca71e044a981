"""How requests reach the schema: GraphQL over HTTP, WebSocket and server-sent events.

One operation's way: `requests` (or `sockets`) reads it, `identity` says who asks, `documents` parses, limits,
validates and charges it, `execution` runs it, `errors` gives every error a code, `responses` sends it, and
`observations` counts and logs it. `app.build_graphql_app` puts the parts together around a schema.

Terms
    viewer      who asks: a person, an application or nobody; made by the caller's `authenticate`
    operation   one query, mutation or subscription, with everything we note about it (`operations.Operation`)
    stream      an operation answered over a socket or an event stream, of whatever kind
    nodes       what a document may return at most, by multiplying page sizes (`costs`)

Decision, 2026-11-20: we write the HTTP view ourselves instead of bending Strawberry's: it has no media types, codes no
error, answers 500 to malformed bodies and has no body limit. Strawberry's socket handler is subclassed.

Decision, 2026-11-20: parse, limits and validation of a valid document are kept together in one cache, by its text.
Refused documents are not kept, so that nobody can fill the cache with them.

Decision, 2026-11-20: errors are coded where results leave us (`execution`), not in a schema extension: errors raised by
hooks and deadlines never pass an extension, and a code that depends on where an error arose can be forgotten.
"""
