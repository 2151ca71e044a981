"""What `bin/test` does: how many workers run which tests."""
