"""Processes: the supervisor, its children, and what they inherit from it."""
