"""`clear`: the welfare-optimal outcome of a batch with all its rules, its prices, and what each pair pays."""
