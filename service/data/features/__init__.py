"""Features: which columns of a table a network learns from, how they become inputs, and which rows are held out."""

from service.data.features.encoder import Encoder, PlainEncoder, restored
from service.data.features.inherited import Learnt
from service.data.features.preparing import Prepared, load_dataset, load_table, prepare

__all__ = ["Encoder", "Learnt", "PlainEncoder", "Prepared", "load_dataset", "load_table", "prepare", "restored"]
