"""Energy communities, their members, and which metering points take part with what share.

A *member* is a legal person (household, company, body); a *membership* is its time in a community, with roles; a
*participation* gives a share of a metering point to a membership for a time. Several traditions (sharing groups,
renewable energy communities, trading communities, micro-grids, company groups) are one `Community` with a
`framework`: a row of rules in force, never a code path.
"""
