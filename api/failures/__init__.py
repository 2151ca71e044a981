"""What failed for good: counted, seen by administrators of the platform, and repeated."""
