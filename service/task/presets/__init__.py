"""Presets: named networks, compilations, fits and encodings that are good for a table without tuning.

A preset makes the parts of a request that are not given; what it makes can be read in the job, the version and
`:validate`, and sent again by hand with the same result.
"""

from service.task.presets.expansion import NAMES, expanded, wants_preset

__all__ = ["NAMES", "expanded", "wants_preset"]
