"""Who delivers to whom: filled orders laid along each other, and no owner with itself."""
