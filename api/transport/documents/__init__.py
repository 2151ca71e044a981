"""From a request to a document that may run, and from its result to an answer."""
