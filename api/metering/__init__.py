"""Metering points and readings over GraphQL, REST and the command line."""
