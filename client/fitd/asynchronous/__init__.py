"""The client for programs that use asyncio; `synchronous` is made of these files by `client/generate.py`."""
