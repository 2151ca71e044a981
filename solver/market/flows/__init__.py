"""Transfers between zones: what is sent, along which ways, and the prices at which that stands."""
