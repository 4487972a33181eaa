"""What tests of tables share: a table of penguins, the file that it is in, and a training on it."""

from typing import Any

import numpy as np

from tests.support.serving import Service

DATASETS = "/v1/datasets"
CSV = {"Content-Type": "text/csv"}
SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def penguins(rows: int = 240, seed: int = 3) -> dict[str, list[Any]]:
    """A table with gaps, texts, a boolean, a date and names, in which a network can learn the species."""
    rng = np.random.default_rng(seed)
    species = rng.integers(0, 3, rows)
    bill = rng.normal(38 + 6 * species, 1.5)
    mass = rng.normal(3500 + 900 * (species == 2), 250)
    islands = np.where(species == 0, "Torgersen", np.where(species == 1, "Dream", "Biscoe"))
    table: dict[str, list[Any]] = {
        "name": [f"penguin {i}" for i in range(rows)],
        "island": islands.tolist(),
        "bill": bill.round(1).tolist(),
        "mass": mass.round().tolist(),
        "female": (rng.random(rows) < 0.5).tolist(),
        "seen": [f"2024-0{1 + i % 9}-1{i % 10}" for i in range(rows)],
        "nothing": [None] * rows,
        "planet": ["Earth"] * rows,
        "species": [SPECIES[i] for i in species],
    }
    for column, every in (("bill", 17), ("island", 23), ("female", 31)):
        table[column] = [None if i % every == 0 else value for i, value in enumerate(table[column])]
    return table


def csv_of(table: dict[str, list[Any]], delimiter: str = ",") -> bytes:
    def cell(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    lines = [table.keys(), *zip(*table.values(), strict=True)]
    return "\n".join(delimiter.join(map(cell, line)) for line in lines).encode()


def request(dataset: str, **changes: Any) -> dict[str, Any]:
    asked: dict[str, Any] = {
        "model": "penguins",
        "spec": {
            "layers": [
                {"class_name": "Dense", "units": 16, "activation": "relu"},
                {"class_name": "Dense", "units": "auto", "activation": "softmax"},
            ]
        },
        "compile": {
            "optimizer": {"class_name": "Adam", "learning_rate": 0.01},
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
        },
        "fit": {"epochs": 25, "seed": 7},
        "data": {
            "dataset": dataset,
            "target": "species",
            "split": {"validation": 0.1, "test": 0.2, "method": "stratified", "seed": 1},
        },
    }
    for key, value in changes.items():
        asked[key] = {**asked[key], **value}
    return asked


def upload(service: Service, content: bytes, query: str = "", headers: dict[str, str] = CSV) -> dict[str, Any]:
    answer = service.client.post(DATASETS + query, content=content, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    view: dict[str, Any] = answer.json()
    return view


def trained(service: Service, **changes: Any) -> dict[str, Any]:
    dataset = upload(service, csv_of(penguins()), "?name=penguins")
    answer = service.client.post("/v1/training-jobs", json=request(dataset["id"], **changes))
    assert answer.status_code == 202, answer.text
    service.work()
    job: dict[str, Any] = service.client.get(answer.headers["Location"]).json()
    assert job["status"] == "succeeded", job
    return job
