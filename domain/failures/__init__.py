"""Work that failed for good or waits to be announced: found in one way for all kinds, and repeated in one way."""
