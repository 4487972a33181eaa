"""Keras's files: `.keras` and HDF5."""
