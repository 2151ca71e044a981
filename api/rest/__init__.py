"""What REST routes share: who asks, what was sent, and rows as files."""
