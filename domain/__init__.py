"""What local energy is and what is allowed: tables, values, rules and operations on a session it is given.

Contexts form a ladder (each imports only from rungs below), checked by import-linter (`pyproject.toml`):

    failures  >  engagement, notifications  >  aggregates  >  sharing, market  >  grid, communities  >  metering
        >  geography, ledger  >  jobs  >  identity  >  audit, events  >  kernel

A context that has grown is a folder of rooms with a ladder of their own, as `market` is. Rooms that keep rows have
`tables`, `visibility` (what a viewer may see of them) and `verification` (what must hold of them); `words` declares
their kinds of job and of notice. The kernel is small and boring: the database, quantities, intervals, errors, and how
rooms are found.
"""
