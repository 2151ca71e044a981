"""The processes that run: the API, the worker, the relay and the command line."""
