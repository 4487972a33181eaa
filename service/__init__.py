"""Fitd: train and serve dense neural networks over HTTP."""
