"""Limits: what a document costs, what a viewer may spend, and how many connections it may hold."""
