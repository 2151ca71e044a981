"""What a process connects to, each in one module: what its address may say, and how a connection is made by it."""
