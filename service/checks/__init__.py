"""Finds every mistake in a request before anything is stored."""

from service.checks.suitability import check_fits
from service.checks.training_request import CheckedTraining, read_training

__all__ = ["CheckedTraining", "check_fits", "read_training"]
