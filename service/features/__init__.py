"""A table in its own words: which columns are learnt from, how they become inputs, what is held out."""

from service.features.encoder import Encoder
from service.features.learnt import Learnt
from service.features.preparing import Prepared, load_dataset, load_table, prepare

__all__ = ["Encoder", "Learnt", "Prepared", "load_dataset", "load_table", "prepare"]
