"""Which sums over people may be published, so that no combination of them tells of fewer than five persons.

For one direction and one local day the sums that the API shows are of metering points: of zones, communities and
allocation runs, each point by its participation factor. They cut points into *atoms*: those that are in the same sums
in the same proportion. Every combination of sums is a combination of atoms, so where each atom has five persons,
nothing below five can be computed, whatever is combined. (Atoms of persons would not do: a zone with all points of six
homes less a community with all but one of them tells that point.)

Sets are admitted in a fixed order: zones, then communities by founding, then runs (`admission`, `atoms`). One that
would leave an atom of one to four persons is suppressed for that day and direction. Who is suppressed depends on who
takes part with which points, never on readings. What was shown is kept as rows (`tables.PublishedSet`): a set that is
changed for days gone by is a new one beside it, and must not differ from it by fewer than five either.

- A person is who signs in, or else the member: all members, points and communities of one count once. A point that
  nobody takes part with counts as nobody, so that it cannot be told from others by subtraction.
- Members of a community are counted without themselves: five others. They see intervals as fine as readings, others
  hours or coarser. Who administers a community or operates a zone sees its sums.
- A sum in which a reading is missing is not shown (INCOMPLETE): as it filled up, each step would tell one reading.
- Where one person makes more than 80 % of a day, outsiders get the direction by month only (`dominance`).

Decision, 2026-11-30: what was told is kept as rows of persons, and decided when somebody asks, in the fixed order.
Considered: to decide of everything when a membership changes, which costs most where nobody looks; to decide anew at
each question, which would tell a member who was added for days gone by to whoever asked before.

Decision, 2026-11-30: prices, trades and flows by trades stay public, however few trade: nobody can join a market whose
prices are hidden, and they tell what was offered, never what was metered.
"""
