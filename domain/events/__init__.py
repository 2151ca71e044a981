"""The durable event feed: what happened, in order, kept so that a subscriber can resume.

Each stream (a market, a job, the platform) numbers its events without gaps, in the order in which they were
committed: writers of one stream wait for each other at the stream's row. Redis only wakes listeners; an event is
always read from here. Decision, 2026-11-20: per-stream numbers instead of one sequence, because a shared
sequence shows a later number before an earlier one that commits after it, and a resuming reader would lose that one.
"""
