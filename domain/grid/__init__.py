"""The grid operator's side of market zones: capacity, load, halts, limits, alerts and notices.

A *halt* stops clearing in a zone and new orders for it, with a reason, who and until when; orders stay. A *limit* is
the most energy per order, per member and day, or per zone and delivery interval. A *capacity* is the most power that a
zone can take in or give out; its *load* is what is known of a quarter-hour beside it. An *alert* tells people of a zone
what the operator, or the platform by itself, wants them to know. What becomes of orders is said in `market.halting`
and `market.limiting`.

Decision, 2026-11-21: what is injected and withdrawn in one zone in the same quarter-hour does not pass its
transformer, so a zone's load is the excess of one over the other: withdrawn - injected of the metering points that the
platform knows, or, until they are read, what trades take out of the zone or bring into it. Considered: the sum of all
withdrawals, which would call a zone congested that supplies itself.

Decision, 2026-11-21: acts on a zone are recorded in the audit chain of the zone, since a zone may have no market, and
what becomes of its market's orders in the market's.
"""
