"""A request for a large table is checked by what is stored about its columns, which are not read for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from service.checks.training_request import read_training
from service.config import Settings
from service.data.features import load_dataset
from service.data.features.profiled import LARGE_ROWS
from service.data.tables import Table
from service.storage import Database, NewDataset
from tests.support.storing import sqlite_url

ROWS = LARGE_ROWS + 1
RNG = np.random.default_rng(16)
WORDS = np.array(["red", "green", "blue"])


def arrow(**columns: Any) -> pa.Table:
    made = {
        "a": RNG.normal(5, 2, ROWS),
        "b": RNG.integers(0, 1000, ROWS),
        "c": pa.array(WORDS[RNG.choice(3, ROWS, p=[0.5, 0.3, 0.2])]),
        "same": np.ones(ROWS),
        "y": pa.array(np.array(["no", "yes"])[RNG.integers(0, 2, ROWS)]),
    }
    return pa.table(made | columns)


def stored(directory: Path, table: pa.Table) -> tuple[Database, str]:
    file = directory / "table.arrow"
    with pa.OSFile(str(file), "wb") as out, pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    database = Database(sqlite_url(directory))
    database.migrate()
    new = NewDataset.of_table(file, database.artifacts, name=None, uploaded=True)
    with database.transaction() as tx:
        return database, tx.datasets.add(new).id


def check(database: Database, dataset: str, profiled: bool, **data: Any) -> Any:
    def open_dataset(dataset_id: str) -> Any:
        found, content = database.open_dataset(dataset_id, glimpse=profiled)
        return load_dataset(found.form, content, found.meta["columns"] if profiled else ())

    layers = [{"class_name": "Dense", "units": "auto", "activation": "softmax"}]
    asked: dict[str, Any] = {
        "spec": {"layers": layers},
        "compile": {"loss": "crossentropy"},
        "data": {"dataset": dataset, "target": "y"},
    }
    asked["data"] |= data
    return read_training(asked, Settings(_env_file=None), open_dataset)


def read_columns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The columns whose values are looked at in all rows while an encoder is fitted."""
    read: list[str] = []

    def spy(table: Table, feature: Any, *_: Any, **__: Any) -> Any:
        read.append(feature.name)
        return plain(table, feature, *_, **__)

    from service.data.features import fitting

    plain = fitting._read_and_fit
    monkeypatch.setattr(fitting, "_read_and_fit", spy)
    return read


def test_what_a_profile_tells_is_what_the_rows_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database, dataset = stored(tmp_path, arrow())
    by_rows = check(database, dataset, profiled=False)
    read = read_columns(monkeypatch)
    by_profile = check(database, dataset, profiled=True)
    assert read == ["same"], "A column that is the same everywhere is left out by what it is in the training rows."
    assert by_profile.warnings == by_rows.warnings
    assert by_profile.prepared.left_out == by_rows.prepared.left_out == ("same",)
    assert by_profile.prepared.parts == by_rows.prepared.parts
    for told, found in zip(by_profile.prepared.encoder.columns, by_rows.prepared.encoder.columns, strict=True):
        assert (told.name, told.outputs) == (found.name, found.outputs)
        for key in ("mean", "deviation"):
            assert getattr(told, key, 0) == pytest.approx(getattr(found, key, 0), rel=1e-9)
    np.testing.assert_allclose(by_profile.dataset.x, by_rows.dataset.x, atol=1e-5)
    np.testing.assert_array_equal(by_profile.dataset.y, by_rows.dataset.y)
    database.close()


@pytest.mark.parametrize("values", [[np.nan], [np.inf], [1e300]])
def test_a_column_whose_profile_leaves_a_question_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[float]
) -> None:
    column = RNG.normal(size=ROWS)
    column[: len(values)] = values
    database, dataset = stored(tmp_path, arrow(a=column))
    read = read_columns(monkeypatch)
    if np.isnan(values[0]):
        assert check(database, dataset, profiled=True, features=["a", "b"]).dataset.columns == 2
    else:
        with pytest.raises(Exception, match="infinite"):
            check(database, dataset, profiled=True, features=["a", "b"])
    assert read == ["a"]
    database.close()


def test_a_glimpse_takes_bytes_as_they_are_and_who_uses_them_is_told(tmp_path: Path) -> None:
    from service.errors import Damaged

    database, dataset = stored(tmp_path, arrow(wide=RNG.normal(size=ROWS)))
    (file,) = (tmp_path / "artifacts").glob("ds.*")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    assert database.open_dataset(dataset, glimpse=True)[0].rows == ROWS
    with pytest.raises(Damaged):
        database.open_dataset(dataset)
    database.close()
