"""The verb predict: a version's weights, loaded once and asked often, for rows and for whole tables."""

from service.prediction.versions import LoadedVersion, LoadedVersions

__all__ = ["LoadedVersion", "LoadedVersions"]
