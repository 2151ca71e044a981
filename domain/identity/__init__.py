"""People and applications: who asks, and how we know.

A *user* signs in with a password (argon2id) and holds a rotating *session*; an *application* holds an *API key* with
scopes: `PARTNER` reads and trades for its owner, `METER` may only post readings. A `Viewer` is what remains of either
for the rest of the platform: bound values that every `visible(viewer)` predicate compares with.

Decision, 2026-11-20: the viewer carries the ids it may see through (own members, own and administered communities),
read once per request. Predicates then compare columns with bound arrays, so one statement serves every viewer and
plans are cached; a join per predicate would cost more on every read than one small query per request.
"""
