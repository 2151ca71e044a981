"""The audit log: every change of state leaves an entry in a hash-chained, append-only log (invariant I6).

Entries are chained per community, per market and per zone; one more chain, `platform`, holds what belongs to none. An
entry's hash covers the hash before it, so that editing, deleting or reordering entries is detected by `entries.verify`,
and truncation by the chain's recorded head.

Decision, 2026-11-20: entries hold facts and ids, never readings, secrets or addresses, because a log cannot be erased.
"""
