"""Readings that are held back until somebody decides: nothing implausible is stored unsaid, and nothing sent is lost.

A day is held as it arrived where one of its values is more than the point can carry, or where it would displace better
or finer readings by worse or coarser ones. What is compared is the present state, never what was sent before. A held
day counts nowhere; released, it is stored as any other day is, and discarded, it stays as a record of what was sent.
"""
