"""Metering points and their readings.

A reading row holds one metering point, direction and local day: a `bigint[]` of 96 values (92, 100; or 48, 24 ...), in
micro-kWh, never negative; injected and withdrawn are kept apart. Rows are partitioned by month. A corrected day is a
new version; the one before stays and is marked superseded (invariant I3).
Who stands behind a metering point is said above, by `communities.Participation`.

Decision, 2026-11-20: `reading` has no foreign key to `metering_point`. Checking it row by row took a third of the time
of an ingest; `readings.record_days` holds the points against other writers, no role of the application may delete
a point, and `bin/verify` looks for readings without one.
"""
