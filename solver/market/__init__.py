"""Questions about a market: what is cleared and to whom, what was delivered, what rules offer, which prices come.

Terms: *order* (buy or sell, limit price, energy), *cell* (one zone in one delivery interval), *merit order*
(units of a cell by price, then time), *position* (where a cell's merit order is cut by the clearing),
*link* (directed transfer limit with a cost), *rent* (price difference over a link beyond its cost).

The rooms, lowest first; each knows only those above it here:

    cells      problem        the question, checked
               numbering      zones and links in an order that depends on the orders alone
               sort_keys      one word per order, sorted by counting
               merit_order    one sort per batch; fills and prices follow from one position per cell
               classes        cells of a zone for what buyers accept
               joint          intervals tied by orders that may trade in any of several
    flows      network        welfare-optimal transfers (OR-Tools min-cost flow on what can still move)
               zone_prices    the range of clearing prices and the uniform price
               routes         flows cut into ways from seller to buyer
    pairs      pairing        who delivers to whom
               exchange       own pairs swap partners with others
    clearing   ties           equal prices in linked zones: most energy, then price, then arrival
               optimum        all of the above for what is left of each order
               minimum_fill   orders that take at least so much or nothing
               minimum_search which of them to drop for the best outcome
               condensed      the part of a market that this can change
               outcome        an optimum that keeps them, with its pairs
               own_orders     no owner trades with itself
               clearing       `clear`: all of it
               pair_prices    what each pair pays and gets: uniform, pay-as-bid, midpoint

Beside them `prices` (rates that need no clearing: mid-market rate, supply/demand ratio, indications), `delivery`,
`rules` and `forecasting`.

Invariants of a clearing: fills balance with flows in every cell; no order trades beyond its limit; price-time priority
within a cell and side, and among equals in all linked zones (save who makes room for a minimum fill of another zone);
welfare is the largest possible (that leaves room for minimum fills, at uniform prices); rent is never negative; the
answer depends on the orders, not on how they, the zones or the links are listed.

Decision, 2026-11-30: of equally good outcomes the one that trades most is taken, over links as within a zone; then
price decides, then arrival. Before, a transfer that gained nothing was not made, and of orders in different zones the
order of links decided: an owner whose limit was met could be told that it was not.
"""

# Goes up when an equal problem may get another answer.
VERSION = 3
