"""The read path: object types that mirror tables, declared once, as data.

    @entity(tables.Order, visible=orders.visible)
    class Order(Node):
        \"""An offer to buy or sell energy.\"""

        side: OrderSide = column(tables.Order.side, "BUY or SELL.")
        market: Market = edge(tables.Order.market_id, "The market it was placed in.")
        fills: Connection[Trade] = many(tables.Trade.buy_order_id, "Trades of this order.")

From one such declaration come the GraphQL type, keyset connections, batched loaders and, for every read, the one
`visible(viewer)` predicate of the entity. Nothing is resolved field by field: a record's cheap columns are read by one
statement, heavy ones (boundaries) by one more only when selected, edges and connections by one statement per level
however many parents there are.

Terms: an *entity* is a type with a table; a *column* a field with an SQL expression; an *edge* leads to one other
entity by key; *many* is a connection; whatever is computed in Python is an ordinary Strawberry field beside them.

Decision, 2026-11-20: ids are `Type:uuid`, not base64: they are as opaque as a client treats them, readable in a log,
and cost the compiled path one concatenation.
"""
