"""Counting and logging what was asked: metrics, the log of operations, traces."""
