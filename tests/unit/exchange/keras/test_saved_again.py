"""A file of ours with columns of a table, saved again by Keras: it has lost its notes, and says so."""

import io
import json
import zipfile

import pytest

from service import nn
from service.config import Limits
from service.errors import Malformed
from service.exchange.exporting import export
from service.exchange.keras.file import read_keras_file
from service.nn.arguments import ArgumentError
from tests.support.encoders import stored


def without_notes(content: bytes) -> bytes:
    """The file as Keras saves it again: its metadata holds the version and the date alone."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(written, "w") as into:
        for name in archive.namelist():
            plain = json.dumps({"keras_version": "3.15.1", "date_saved": "2026-11-30@00:00:00"})
            into.writestr(name, plain if name == "metadata.json" else archive.read(name))
    return written.getvalue()


def test_a_file_of_a_table_that_lost_its_notes_is_refused_with_what_to_import() -> None:
    version, weights = stored()
    content = export(version, weights, "keras").content
    assert read_keras_file(content, Limits()).notes["features"]
    with pytest.raises(Malformed, match=r"Keras leaves it out.*Import the file that Fitd wrote.*model\.get_layer\("):
        read_keras_file(without_notes(content), Limits())


def test_an_embedding_that_masks_is_refused_as_nothing_carries_a_mask() -> None:
    assert nn.layers.Embedding(3, 2).mask_zero is False
    with pytest.raises(ArgumentError, match="mask_zero must be False, as masks are not supported"):
        nn.layers.Embedding(3, 2, mask_zero=True)
