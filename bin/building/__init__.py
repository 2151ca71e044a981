"""What `bin/new` does: lays down a slice from a template, and registers it.

A template (`*.txt`) holds the parts of several files, each below a line `=== path`, with `${names}` to be filled in.
What is laid down is complete but for what only its author knows: there it says "FILL IN", and neither the tests laid
down with it nor `tests/test_house.py` pass before that is gone.
"""
