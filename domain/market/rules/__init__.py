"""Trading rules: what owners have decided beforehand, run on each delivery or over the past."""
