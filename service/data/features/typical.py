"""A typical row: what a row of the training data is like, to compare others with."""

import numpy as np

from service.data.features.columns import CategoryColumn, Floats
from service.data.features.encoder import Encoder

MOST_WIDTH, _MOST_ROWS = 4096, 20_000
"""Wider rows have no typical one; of more rows, evenly spaced ones are looked at."""


def typical_row(encoder: Encoder, x: Floats) -> list[float] | None:
    """The inputs (width,) of a row whose columns are typical of rows (rows, width); None where they are too wide.

    A category is the most frequent one, and a number the lower median; a column that becomes several numbers is as in
    the row that is nearest to their medians.
    """
    if not len(x) or x.ndim != 2 or x.shape[1] > MOST_WIDTH or encoder.width != x.shape[1]:
        return None
    x, place = x[:: -(-len(x) // _MOST_ROWS)], 0
    made = np.quantile(x, 0.5, axis=0, method="inverted_cdf")
    for column in encoder.columns if encoder.has_names else ():
        within = slice(place, place + len(column.outputs))
        place = within.stop
        if isinstance(column, CategoryColumn):
            distinct, counts = np.unique(x[:, within], axis=0, return_counts=True)
            made[within] = distinct[counts.argmax()]
        elif len(column.outputs) > 1:
            made[within] = x[np.square(x[:, within] - made[within]).sum(axis=1).argmin(), within]
    return [float(value) for value in made] if np.isfinite(made).all() else None
