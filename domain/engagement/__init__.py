"""What members learn of themselves and of each other without names: cards, reputation, leaderboards and insights."""
