"""Connections that stay open: WebSocket and server-sent events."""
