"""Clearings: the book that is cleared, trades, their escrow, price ticks, and why orders got what they got."""
