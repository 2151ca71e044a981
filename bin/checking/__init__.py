"""What `bin/check` does: which files changed, and what is looked at for them."""
