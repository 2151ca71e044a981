"""What a process holds: connections, the clock, settings, followed events, and viewers it knows."""
