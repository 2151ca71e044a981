"""Allocation of what trades leave (`domain.market.delivery.traded`) among the members of a community.

*Key*: how shared energy is divided (rounds of equal, fixed, pro rata or priority rules), in force from a date.
*Run*: one computation for a community and period, versioned; a later version never changes an earlier one (I3).
*Operator figures*: what the grid operator computed itself; where there are any they are authoritative, and a run
reports where it disagrees.
"""
