"""`clear`: the welfare-optimal outcome of a batch with all its rules, its prices, and why orders got what they got."""
