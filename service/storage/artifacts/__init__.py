"""Bytes too large for a row, in a folder, a bucket or the database."""
