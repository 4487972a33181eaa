# Made by client/generate.py from the file of this name in fitd/asynchronous.
"""Models and their versions: asked for predictions, measured, labelled, exported, imported."""

import builtins
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import numpy as np

from fitd import predictions as forms
from fitd.answers import EvaluationView, ImportedVersionView, LabelView, ModelView, PredictionView, VersionView
from fitd.display import evaluation_html, model_html
from fitd.payloads import ANY, Payload, is_frame, of_bytes, of_path, records_of
from fitd.synchronous.transport import Transport

_SMALL = 1000
"""Arrays of fewer numbers go as JSON, which names classes as well and is quick enough."""


class Evaluation(dict[str, Any]):
    """The metrics of an evaluation by their names; `view` is all that was answered."""

    def __init__(self, view: EvaluationView) -> None:
        super().__init__(view["metrics"])
        self.view = view

    def _repr_html_(self) -> str:
        return evaluation_html(self.view)


class Model:
    """A model's latest version, one of its versions, or the one that a label points at."""

    def __init__(
        self, transport: Transport, name: str, *, version: int | None = None, label: str | None = None
    ) -> None:
        self._transport = transport
        self.name = name
        self.version = version
        self.label = label

    def at(self, which: int | str) -> "Model":
        """The version of this number, or with this label."""
        if isinstance(which, int):
            return Model(self._transport, self.name, version=which)
        return Model(self._transport, self.name, label=which)

    def predict(self, rows: Any, *, outputs: list[str] | None = None, top_k: int | None = None) -> Any:
        """The predictions for rows, in the form that the rows have.

        A frame gives a frame with its index, an array an array of the outputs, a path to a file the bytes of a file, a
        list of lists a list of lists, a list of dictionaries one of dictionaries, a dictionary of columns one of
        columns. Many rows go in several requests.
        """
        if isinstance(rows, str | Path):
            return self.predict_table(Path(rows), outputs=outputs, top_k=top_k)
        if is_frame(rows):
            contents = [
                self.predict_table(of_bytes(body, kind), outputs=outputs, top_k=top_k)
                for body, kind in forms.frame_pieces(rows)
            ]
            return forms.frame_of(contents, rows)
        if isinstance(rows, np.ndarray):
            return self._predict_array(rows, outputs, top_k)
        if isinstance(rows, dict):
            found = self.predict(records_of(rows), outputs=outputs, top_k=top_k)
            return {name: [row[name] for row in found] for name in (found[0] if found else ())}
        are_objects = bool(rows) and isinstance(rows[0], dict)
        return forms.listed(self.ask(rows, outputs=outputs, top_k=top_k), outputs, are_objects=are_objects)

    def ask(self, rows: Any, *, outputs: list[str] | None = None, top_k: int | None = None) -> PredictionView:
        """All that the service answers to rows in JSON: outputs, classes, and which version it was."""
        document = {"instances": rows} | ({"outputs": outputs} if outputs else {}) | ({"top_k": top_k} if top_k else {})
        return cast("PredictionView", self._transport.post(f"{self._path}:predict", document))

    def predict_table(
        self, table: Path | Payload, *, outputs: list[str] | None = None, top_k: int | None = None
    ) -> bytes:
        """The predictions for a table in a file, or in bytes that `of_bytes` holds, as a table of the same format."""
        payload = of_path(table) if isinstance(table, Path) else table
        params = {"outputs": ",".join(outputs) if outputs else None, "top_k": top_k}
        path = f"{self._path}:predict"
        answer = self._transport.send("POST", path, params=params, payload=payload, headers={"Accept": "*/*"})
        return answer.content

    def evaluate(self, data: Any, y: Any = None, **options: Any) -> Evaluation:
        """Loss and metrics on rows `data` and targets `y`, or on a stored dataset (itself, or its id).

        `options` go beside the data, such as `target` or `sample_weight`, and `importance`.
        """
        importance = options.pop("importance", None)
        asked = {"x": data, "y": y} if y is not None else {"dataset": data if isinstance(data, str) else data.id}
        document = {"data": asked | options} | ({} if importance is None else {"importance": importance})
        return Evaluation(self._transport.post(f"{self._path}:evaluate", document))

    def describe(self) -> VersionView:
        """The description of the version: its network, its metrics, its score, its inputs and outputs."""
        path = f"/v1/models/{self._name}"
        if self.label is not None:
            label = self._transport.get(f"{path}/labels/{quote(self.label, safe='')}")
            number = label["version"]
        elif self.version is None:
            number = (self._transport.get(path))["latest_version"]
        else:
            number = self.version
        return cast("VersionView", self._transport.get(f"{path}/versions/{number}"))

    def export(self, file_format: str = "keras", to: str | Path | None = None) -> bytes:
        """The version as a file (`keras`, `onnx`, `safetensors`, `json` or `python`), also written to `to`."""
        answer = self._transport.send("GET", f"{self._path}/export", params={"format": file_format})
        if to is not None:
            Path(to).write_bytes(answer.content)
        return answer.content

    def versions(self) -> list[VersionView]:
        """Every version, newest first."""
        return cast("list[VersionView]", _all(self._transport, f"/v1/models/{self._name}/versions"))

    def labels(self) -> dict[str, int]:
        """The version that each label points at."""
        found = _all(self._transport, f"/v1/models/{self._name}/labels")
        return {label["label"]: label["version"] for label in found}

    def set_label(self, label: str, version: int | None = None) -> LabelView:
        """Moves a label to a version, the latest if none is given."""
        number = version or self.version or (self.describe())["version"]
        path = f"/v1/models/{self._name}/labels/{quote(label, safe='')}"
        return cast("LabelView", (self._transport.send("PUT", path, document={"version": number})).json())

    def remove_label(self, label: str) -> None:
        """Takes a label away; the version stays."""
        self._transport.send("DELETE", f"/v1/models/{self._name}/labels/{quote(label, safe='')}")

    def delete(self) -> None:
        """Deletes this version, or the model with all its versions where no version is meant."""
        which = "" if self.version is None else f"/versions/{self.version}"
        self._transport.send("DELETE", f"/v1/models/{self._name}{which}")

    @property
    def _name(self) -> str:
        return quote(self.name, safe="")

    @property
    def _path(self) -> str:
        if self.version is not None:
            return f"/v1/models/{self._name}/versions/{self.version}"
        return f"/v1/models/{self._name}" + ("" if self.label is None else f"/labels/{quote(self.label, safe='')}")

    def _predict_array(self, rows: Any, outputs: list[str] | None, top_k: int | None) -> Any:
        if rows.ndim == 1:
            rows = rows[None, :]
        if outputs or top_k or rows.size < _SMALL or rows.dtype.kind not in "fiub" or self.label is not None:
            found = forms.listed(self.ask(rows, outputs=outputs, top_k=top_k), outputs, are_objects=False)
            return (
                {name: np.asarray(value) for name, value in found.items()}
                if isinstance(found, dict)
                else (np.asarray(found, np.float32 if outputs in (None, ["predictions"]) else None))
            )
        path = f"/v2/models/{self._name}" + ("" if self.version is None else f"/versions/{self.version}") + "/infer"
        found = []
        for piece in forms.array_pieces(np.ascontiguousarray(rows, np.float32)):
            body, headers = forms.tensor_body(piece)
            answer = self._transport.send("POST", path, payload=of_bytes(body, ANY), headers=headers)
            found.append(forms.tensor_answer(answer.content, answer.headers.get("Inference-Header-Content-Length")))
        return np.concatenate(found)

    def __repr__(self) -> str:
        which = f" version={self.version}" if self.version else f" label={self.label}" if self.label else ""
        return f"<Model {self.name}{which}>"

    def _repr_html_(self) -> str:
        return model_html(self.name, self.version, self.label)


class Models:
    """The models of a service, by their names."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def __getitem__(self, name: str) -> Model:
        return Model(self._transport, name)

    def list(self) -> list[ModelView]:
        """Every model."""
        return cast("list[ModelView]", _all(self._transport, "/v1/models"))

    def import_(self, file: Any, name: str | None = None) -> Model:
        """Makes a version of a `.keras` or HDF5 file, a path or its bytes, or of a document of JSON."""
        payload = None if isinstance(file, dict) else _file(file)
        document = file if isinstance(file, dict) else None
        answer = self._transport.send(
            "POST", "/v1/models:import", params={"model": name}, payload=payload, document=document, repeatable=False
        )
        view = cast("ImportedVersionView", answer.json())
        return Model(self._transport, view["model"], version=view["version"])


def _file(file: Any) -> Payload:
    if isinstance(file, bytes | bytearray):
        return of_bytes(bytes(file), ANY)
    payload = of_path(Path(file))
    return Payload(ANY, payload.open, payload.size)


def _all(transport: Transport, path: str) -> builtins.list[Any]:
    found: builtins.list[Any] = []
    cursor = None
    while True:
        page = transport.get(path, limit=100, cursor=cursor)
        found += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return found
