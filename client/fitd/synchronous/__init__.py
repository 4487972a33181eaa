# Made by client/generate.py from the file of this name in fitd/asynchronous.
"""The client for programs that use asyncio; `synchronous` is made of these files by `client/generate.py`."""
