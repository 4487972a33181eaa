"""Prediction: loads the weights of a version once, and predicts rows and whole tables with them."""

from service.prediction.versions import LoadedVersion, LoadedVersions

__all__ = ["LoadedVersion", "LoadedVersions"]
