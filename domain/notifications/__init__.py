"""Messages to people: made of notices by their preferences, and delivered in the app, by mail and to web hooks."""
