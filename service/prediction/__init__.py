"""The verb predict: a version's weights, loaded once and asked often, for rows and for whole tables."""

from service.prediction.versions import LoadedVersion, LoadedVersions, threshold_of

__all__ = ["LoadedVersion", "LoadedVersions", "threshold_of"]
