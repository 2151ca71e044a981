"""Peer-to-peer markets: orders gather, one clearing per market and delivery interval matches them.

A market covers a zone. Frequent batch auctions: every few seconds the open orders of all linked zones are cleared
together, welfare-optimal within the transfer limits, at one price per zone and delivery interval. Price first, then
time; nobody trades with itself. Lots of 1 Wh, ticks of 0.0001 EUR/kWh.

Its rooms, lowest first; each imports only from those above it here:

    places       markets, the links between their zones, what they charge, and whose book changed
    orders       what an order may be, placing, what is held for it, amending, halting, limiting, ending
    clearing     the book, clearings, trades and their escrow, price ticks, explanations
    prices       models, calendars, tariffs of the grid, forecasts, alerts
    delivery     hours, what was metered, settlement, certificates, what is left for sharing
    auctions     Dutch auctions and bids       rules    trading rules       statements    monthly statements
    view         a market as it is now, one's own trading over time, exports

Decision, 2026-11-30: rooms were cut along what reads what. Ticks of prices, the book and explanations read clearings,
so they live in `clearing`, and `prices` stands above it. `places` asks by name of table whether a market has orders.

Decision, 2026-11-20: an order over several delivery intervals is one order whose energy applies to each of them (a
strip, as on power exchanges); what is filled is kept per interval in `OrderInterval`. Money is reserved by `ledger`
when it comes: `placing.place_many` and `clearings.carry_out` are the two places where it joins.

Decision, 2026-11-20: the limit of a link holds for all batches of a delivery interval together. What earlier batches
sold out of each zone is in their clearings; before the next one it is sent along the cheapest ways again, and only
what that leaves of each link is offered. So no flows are stored, and energy sold back frees its way.

Decision, 2026-11-20: a clearing is stored where energy was traded or passed through; a batch in which nothing met
leaves at most an indicative price tick. A book that nothing happened to is not cleared again.

Decision, 2026-11-21: who trades is decided by welfare alone, whatever the pricing; pricing decides how a pair shares
what it gains beyond the uniform prices of its two zones (`solver.market.pairs`). So transfers cost and earn the
same by any rule, and a market's price is always the uniform one. Two markets of unlike pricing trade with each other at
uniform prices.

Decision, 2026-11-21: buyers choose what energy they accept, and all but ANY are served from their own zone
(`solver.market.clearing`): what crosses a link has no source that a zone could vouch for. A class has a price of its
own where it trades at another price than the market's, never below it.

Decision, 2026-11-21: a minimum fill holds in each delivery interval by itself and counts what earlier batches filled.
An order that would be filled less is left out of the batch, never filled at a loss (`solver.market.clearing`). A
flexible order has no minimum, because it would tie all its intervals together twice. Which orders were left out is
kept with a clearing and told to their owners only.

Decision, 2026-11-21: orders that arrive together are placed in one transaction, though one mutation is otherwise one
transaction. Each request stays all or nothing and is answered after the commit: a refused one writes nothing, and where
the transaction fails it is tried again in halves until only what is at fault fails. What is shared is the commit, and
the wait for the head of the market's audit chain, of which only one transaction at a time can make the next link: an
order by itself held it for ten round trips and a write to the disk. Orders of one transaction bear the same
`placed_at`; `sequence` is what time priority goes by. Considered: a chain per order or owner, which would no longer
show that an order was taken out; hashing in the database, which would need the same canonical JSON twice.
"""
