"""Remembers: datasets, training jobs, models and their versions, in SQLite or PostgreSQL.

database = Database(url)
with database.transaction() as tx:
    job = tx.jobs.add("digits", request, dataset_id, epochs=10)
"""

from service.storage.artifacts.content import Content
from service.storage.checkpoints import Checkpoint
from service.storage.database import Database, Transaction
from service.storage.datasets import NewDataset, StoredDataset
from service.storage.jobs import check_request
from service.storage.labels import Label, LabelMove
from service.storage.models import Model
from service.storage.queue.bell import Bell

__all__ = [
    "Bell",
    "Checkpoint",
    "Content",
    "Database",
    "Label",
    "LabelMove",
    "Model",
    "NewDataset",
    "StoredDataset",
    "Transaction",
    "check_request",
]
