"""Tables of messages, preferences and web hooks."""
