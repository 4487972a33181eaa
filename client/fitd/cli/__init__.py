"""The command `fitd`."""
