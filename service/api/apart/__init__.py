"""Requests that need much memory or time, each handled by a process that handles no other meanwhile.

The process has a limit of memory and ends when the client goes away, so that the worst request ends one short process
and the server never waits for it. It runs the same application, so that there is no second way to answer anything.
"""
