"""What is looked at: a market as it is now, and a person's own trading over time."""
