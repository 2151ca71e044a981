"""The grid operator's side of market zones: capacity, load, halts, limits, alerts and notices.

A *halt* stops clearing in a zone and new orders for it, with a reason, who and until when; orders stay. A *limit* is
the most energy per order, per member and day, or per zone and delivery interval.
"""
