"""Where a process measures: with the others of its `serve`, or by itself."""

from service.config import Settings
from service.measures import Measures, folder


def measures_of(settings: Settings, place: str | None) -> Measures:
    """The measures of the process in this place of a `serve`; of one that was started alone, its own."""
    measures = Measures() if place is None else Measures(folder(settings.data_dir), place)
    measures.keep_flushing()
    return measures
