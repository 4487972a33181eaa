"""Predictions and evaluations over HTTP."""
