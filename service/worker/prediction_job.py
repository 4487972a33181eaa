"""Predicts every row of a dataset, and writes the predictions to a file block by block."""

import mmap
from collections.abc import Iterator
from pathlib import Path

from service.data.features import load_dataset
from service.data.tables import Table
from service.errors import Findings
from service.formats.downloads import encode_tables
from service.formats.tables import ARROW
from service.jobs import Claim
from service.prediction import LoadedVersion
from service.prediction.outputs import Asked
from service.prediction.tables import PART_ROWS, TablePrediction, kinds_of_arrays, tables_of
from service.spec.prediction import PredictionJobRequest
from service.storage import Content, Database, NewDataset
from service.worker.monitor import Monitor


def predict(database: Database, claim: Claim, monitor: Monitor, place: Path) -> NewDataset:
    """Returns the dataset with the predictions, in a folder; repeating the job makes the same bytes.

    `Invalid` with the first cells that no input can be made of; every `Interruption` passes through.
    """
    request = PredictionJobRequest.from_json_dict(claim.job.request)
    with database.reading() as tx:
        version = tx.models.version(request.model, request.version)
        loaded = LoadedVersion.of(version, tx.models.weights(version.id))
    stored, content = database.open_dataset(request.dataset)
    data = load_dataset(stored.form, content)
    kinds = data.kinds if isinstance(data, Table) else kinds_of_arrays(data.columns)
    findings = Findings()
    prediction = TablePrediction(loaded, Asked.of(request), kinds, findings, include=request.include)
    findings.raise_errors()
    monitor.on_train_begin()
    tables = data.parts(PART_ROWS) if isinstance(data, Table) else _letting_go(tables_of(data.x), content)
    answers = prediction.answers(tables, findings, lambda done: monitor.on_predict_block_end(done, stored.rows))
    file = place / "answers.arrow"
    with file.open("wb") as opened:
        opened.writelines(encode_tables(answers, ARROW))
    monitor.on_predict_end()
    return NewDataset.of_table(file, database.artifacts, name=request.name, uploaded=request.name is not None)


def _letting_go(tables: Iterator[Table], content: Content) -> Iterator[Table]:
    """The same tables, copied from a content whose pages are given back after each."""
    for table in tables:
        if isinstance(content, mmap.mmap):
            content.madvise(mmap.MADV_DONTNEED)
        yield table
