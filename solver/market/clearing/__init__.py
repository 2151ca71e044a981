"""`clear`: the welfare-optimal outcome of a batch, its rules kept, from one sort of all orders."""
