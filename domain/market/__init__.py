"""Peer-to-peer markets: orders gather, one clearing per market and delivery interval matches them.

A market covers a zone. Frequent batch auctions: every few seconds the open orders of all linked zones are cleared
together, welfare-optimal within the transfer limits, at one price per zone and delivery interval. Price first, then
time; nobody trades with itself. Lots of 1 Wh, ticks of 0.0001 EUR/kWh.

Decision, 2026-11-20: an order over several delivery intervals is one order whose energy applies to each of them (a
strip, as on power exchanges); what is filled is kept per interval in `OrderInterval`. Money is reserved by `ledger`
when it comes: `orders.place` and `clearings.record` are the two places where it joins.

Decision, 2026-11-20: the limit of a link holds for all batches of a delivery interval together. What earlier batches
sold out of each zone is in their clearings; before the next one it is sent along the cheapest ways again, and only
what that leaves of each link is offered. So no flows are stored, and energy sold back frees its way.

Decision, 2026-11-20: a clearing is stored where energy was traded or passed through; a batch in which nothing met
leaves at most an indicative price tick. A book that nothing happened to is not cleared again.
"""
