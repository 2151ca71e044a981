"""What local energy is and what is allowed: tables, values, rules and operations on a session it is given.

Contexts form a ladder (each imports only from rungs below), checked by import-linter:

    sharing, market  >  communities  >  metering  >  geography  >  jobs  >  identity  >  audit, events  >  kernel

The kernel is `database`, `quantities`, `intervals` and `errors`.
"""
