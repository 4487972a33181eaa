"""The HTTP machinery: bodies, problems, queries, paths, preferences, negotiation and what stands before all routes."""
