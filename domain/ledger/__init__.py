"""Money: accounts, transfers between them, and what is held or in escrow; micro-EUR, exact.

Terms: an *account* belongs to a user (available, held, receivable), a market (escrow, fees, grid, tax, rounding), a
community (fund) or the platform (external, payout). A *transfer* is a set of *entries*, one signed amount per account,
that add up to zero; a positive entry raises what the platform owes the account's holder. A *pending* transfer is
resolved at most once by a later one, which posts or voids it.

Decision, 2026-11-21: what must hold of money is held by the database. Transfers and entries are append-only; a deferred
constraint refuses a transfer whose entries do not add up to zero; a trigger carries entries into the balances of
accounts, which nobody else can write; a check refuses a balance below zero for every account of a user and for escrow.
So Python decides what moves, and cannot lose any. Consequence: balances are read at once, and `bin/verify` recomputes
them from the entries.

Decision, 2026-11-21: accounts are made by triggers with the thing they belong to, so that no operation has to ask
whether they exist. A transaction locks all accounts it will touch at once, in the order of their ids
(`accounts.hold`), before the heads of audit chains and event streams.

Decision, 2026-11-21: amounts are rounded half-even once when they are posted. An order's hold is its exact worst cost,
rounded up; several trades, each rounded for itself, may exceed it by half a micro-EUR each, which the market's
account for rounding bears, so that no user pays for arithmetic and nothing is lost.

Decision, 2026-11-21: accounts are locked FOR NO KEY UPDATE. Foreign keys of entries lock them FOR KEY SHARE before the
trigger comes, in no certain order; against FOR UPDATE two deposits at once would wait for each other in a circle.
"""
