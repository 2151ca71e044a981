"""Answers to the questions the domain poses: frozen values and arrays in, values out.

No session, clock, file, log or random seed of its own; the same input gives the same answer, bit for bit. Of the
domain only the kernel is known here: `quantities`, `intervals`, `errors`.
"""
