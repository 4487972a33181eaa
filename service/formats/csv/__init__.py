"""Delimited text: its dialect, quotes and types, read block by block."""
