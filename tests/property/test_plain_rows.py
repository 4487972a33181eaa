"""Reading plain rows the quick way never differs from the careful way, and never takes what that refuses."""

import json
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from service.api.instances import is_plain, read_prediction
from service.config import Settings
from service.errors import Invalid

SETTINGS = Settings(_env_file=None, max_rows=6, max_cells=12)
NUMBERS = st.one_of(st.integers(-(2**24), 2**24), st.floats(width=64))
CELLS = st.one_of(NUMBERS, NUMBERS, st.booleans(), st.none(), st.text(max_size=3), st.just({}), st.just([]))
ROWS = st.lists(st.one_of(st.lists(CELLS, max_size=3), st.lists(NUMBERS, min_size=2, max_size=2), CELLS), max_size=8)
PLAIN = st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=7)
BODIES = st.fixed_dictionaries(
    {"instances": st.one_of(PLAIN, ROWS)}, optional={"inputs": ROWS, "signature_name": CELLS}
)


def outcome(document: dict[str, Any], *, plain: bool) -> Any:
    try:
        rows, key = read_prediction(document, 2, SETTINGS, plain=plain)
    except Invalid as refusal:
        return refusal.findings
    assert rows.dtype == np.float32
    return rows.tolist(), key


@given(BODIES, st.randoms())
@example({"instances": [[1, True]]}, None)
@example({"instances": [["1", 2]]}, None)
@example({"instances": [[1, 2]], "inputs": [[1, 2]]}, None)
@example({"instances": [[10**30, 2]]}, None)
@example({"instances": [[1e39, 2]]}, None)
@example({"instances": [[1, 2]] * 7}, None)
def test_the_quick_way_agrees_with_the_careful_one(document: dict[str, Any], order: Any) -> None:
    keys = list(document)
    if order is not None:
        order.shuffle(keys)
    document = {key: document[key] for key in keys}
    body = json.dumps(document).encode()
    assert outcome(document, plain=is_plain(body)) == outcome(document, plain=False)
    if is_plain(body):
        assert not any(word in json.dumps(document["instances"]) for word in ('"', "true", "false"))


def test_only_numbers_behind_the_key_are_plain() -> None:
    assert is_plain(b'{"instances": [[1, 2.5e3]]}')
    assert is_plain(b'{"signature_name": "a", "instances": [[1]]}')
    for body in (
        b"",
        b'{"inputs": [[1]]}',
        b'{"instances": [[true]]}',
        b'{"instances": [["1"]]}',
        b'{"a": "\\"instances\\"", "\\u0069nstances": [["1"]]}',
        b'{"instances": [[1]], "instances": [["1"]]}',
    ):
        assert not is_plain(body)
