"""A table in its own words: which columns are learnt from, how they become inputs, what is held out."""

from service.data.features.encoder import Encoder, PlainEncoder, restored
from service.data.features.inherited import Learnt
from service.data.features.preparing import Prepared, load_dataset, load_table, prepare

__all__ = ["Encoder", "Learnt", "PlainEncoder", "Prepared", "load_dataset", "load_table", "prepare", "restored"]
