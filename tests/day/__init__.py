"""A day of a community, played by the API alone, twice: what came of it must be the same to the byte.

    world     accounts and zones that are there before, and the meters' readings
    site      one process that serves the API and does the work of relay and worker, step by step
    caller    people and applications who call the API over HTTP
    founding  markets, members, meters, deposits and trading rules
    playing   the day: readings, orders, auctions, clearings, deliveries, statements, sharing

`python -m tests.day` (bin/day) plays it twice in fresh databases and compares the ledgers; `tests.day.play` plays once.
The clock is a file (`api.resources.clock`), and work is done in its order of arrival, so nothing depends on which
process was quicker; the fault run (`tests.faults`) is about processes.
"""
