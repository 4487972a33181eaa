"""Data: arrays, tables, and the features made of a table's columns."""
