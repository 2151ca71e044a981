"""Backups of the database, and what is made of them again; docs/operations/backup.md says which is for what.

Standard library and PostgreSQL's own programs only, so that a machine that holds nothing but backups can make them.

Decision, 2026-12-01: the log is kept by `pg_receivewal`, not by `archive_command`. It runs where the copies are and
not in the server, takes the log as it is written and not 16 MB later, and named in `synchronous_standby_names` it makes
sure that nothing is acknowledged that is not on the other machine.
"""
