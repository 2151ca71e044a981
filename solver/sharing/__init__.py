"""Energy sharing: who receives what was injected, interval by interval (`design.md` section 2, step 2).

Terms. A *key* is a tuple of *rounds*; each round offers what the earlier ones left (`keys`). An *allocation* is the
energy each consumer gets from, and each producer gives to, the community (`allocations`). The *offered* energy is
what a key held out before need capped it (Austria's G.02, Spain's ENG). A *group* is a layer of a larger scheme, in
which the remainder of one layer enters the next (`layers`). *Statutory* shared energy is a minimum of totals and
allocates nothing (`statutory`).

Invariants, per interval and exact to the micro-kWh: no point receives more than it withdrew or gives more than it
injected; shared in = shared out; the order in which members are listed changes nothing.

Decision, 2026-11-20: national rules are compositions of five rounds, never code paths of their own. FR, ES, DE and AT
"static", BE "one round" and LU "percentage" differ only in name; a new national key is a new tuple.

Decision, 2026-11-20: ties of the largest remainder go to the smaller `tie_break`, a number the caller ties to the
member (the rank of its id), because position in a list is not a property of a member. One micro-kWh is at stake.

Decision, 2026-11-20: 2^46 micro-kWh (70 GWh, several times what Italy withdraws) is the most one interval may hold.
Under it every step is exact in 64 bits (`apportionment`); beyond it a problem is refused, never approximated.

Importing this package loads nothing. `keys`, `statutory` and `settlements` need numpy at most; `allocations` loads
numba, which compiles two kernels the first time and reads them from its cache afterwards.
"""
