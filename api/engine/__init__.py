'''The read path: object types that mirror tables, declared once, as data.

    @entity(tables.Order, visible=visibility.orders)
    class Order(Node):
        """An offer to buy or sell energy."""

        side: OrderSide = column(tables.Order.side, "BUY or SELL.")
        market = edge(tables.Order.market_id, "Market", "The market it was placed in.")
        bought = many("Trade", "Trades in which it bought.", on=tables.Trade.buy_order_id)

From one such declaration come the GraphQL type, keyset connections, the ordinary path's batched loaders, the compiled
path's SQL and, for every read, the one `visible(viewer)` predicate of the entity.

Terms: an *entity* is a type with a table; a *column* a field with an SQL expression; a *part* several columns as one
object; an *edge* leads to one other entity by key; *many* is a connection; whatever is computed in Python is an
ordinary Strawberry field beside them.

Two paths give the same answer. The *ordinary* one (`fields`, `reads`) executes field by field: a record's light columns
by one statement, heavy ones (boundaries) by one more when selected, edges and connections by one per level. The
*compiled* one turns a whole root field into one statement that returns ready JSON. This query of a signed-in user

    query ($id: ID!) { node(id: $id) { ... on Market { id name orders(first: 2) { edges { node { side } } } } } }

passes through these steps:

1. `selections` looks each field up in its declaration and makes a tree: Row(Market: Identity, Value(name),
   Pages(orders: Row(Order: Value(side)))). What the declaration does not prove safe (`emitters`: may it be null? is it
   escaped? can JSON write it?) is `Refused` with a reason, and the ordinary path answers. `selections.refusals` lists
   all such fields; they are known when the schema is made, and a test keeps the list.
2. `arguments` splits what is given at each place into a structure, by which statements are kept (here: page size 2, no
   cursor, no filter), and values, which are bound.
3. `statements` writes the tree for the *shape* of the viewer (`domain.identity.viewers`), which knows that there is a
   user, but not which:

    SELECT coalesce((SELECT '{"id":' || '"Market:' || t1.id || '"' || ',"name":' || to_json(t1.name) || ',"orders":' ||
      (SELECT '{"edges":[' || coalesce(string_agg(page.edges, ','), '') || ']}' FROM (
         SELECT '{"node":{"side":"' || t2.side || '"}}' AS edges FROM market_order AS t2
         WHERE t2.market_id = t1.id AND t2.owner_id = $2 ORDER BY t2.id LIMIT 2) AS page) || '}'
      FROM market AS t1 WHERE t1.id = $1), 'null'), EXISTS (... the session still lives ...)

4. `plans` keeps, with the document, the parts that it compiled; `parts` fills in `key:id`, `viewer:user_id` and the
   like, runs the statement and hands the text on. No text and no plan ever holds a viewer's value.

An operation whose root fields are all compiled is never executed by graphql-core. Of others (mutations, `viewer {...}`,
computed fields) it executes what it must, and takes fragments of JSON for the parts that a plan has (`execution`).
The compiled path answers successes only: wrong arguments, refusals and errors are left to the ordinary one, so that
there is one place where they are made. `tests/api/engine/differential` compares both over random operations.

Decision, 2026-11-20: ids are `Type:uuid`, not base64: they are as opaque as a client treats them, readable in a log,
and cost the compiled path one concatenation.

Decision, 2026-11-21: cursors are no base64 either, but `ORDER:uuid` or `ORDER:uuid:value`.

Decision, 2026-11-21: page sizes are part of a statement's text, and statements are planned once for all values
(`plan_cache_mode=force_generic_plan`). Planning a nested page takes as long as reading it, and a planner that does not
know the limit plans badly; there are only as many sizes as clients use.
'''
