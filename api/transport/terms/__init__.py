"""Words of the transport: settings, who asks, what is running, and what can go wrong."""
