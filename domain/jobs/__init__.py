"""Long work: rows that say what is to be done, how far it is and how it ended.

The row is the truth and the outbox in one: it is written in the transaction of the act that asked for the work, and
the relay hands its id to the queue, again and again until it is done. A worker holds a job by a lease that it renews;
a job whose lease has run out (worker killed, queue lost) is handed out again. Decision, 2026-11-20: leases in Postgres
instead of the queue's own retry, because ARQ gives a killed worker's job back only after its longest time limit.
"""
