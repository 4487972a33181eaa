"""Real tables, from a CSV and the name of a column to held-out scores no worse than scikit-learn's with care by hand.

The same rows train and test both; scikit-learn's network is as large, and its columns are prepared by a
`ColumnTransformer` as its manual advises. Scores are means over five seeds; two standard errors of their difference,
or two of the rows that are held out, are noise.
"""

import csv
import gzip
import importlib.resources
import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tests.support.serving import Service

SEEDS = (1, 2, 3, 4, 5)
TEST_SHARE, UNITS, EPOCHS, RATE = 0.3, 32, 60, 0.01
TITANIC = "tests/data/openml/id_40945/data-v1-dl-16826755.arff.gz"

Rows = list[dict[str, Any]]


def bundled(load: Any) -> Rows:
    data = load()
    names = [str(name) for name in data.feature_names]
    table = zip(data.data.tolist(), data.target.tolist(), strict=True)
    return [{**dict(zip(names, row, strict=True)), "target": target} for row, target in table]


def titanic() -> Rows:
    """The passengers of the Titanic: texts, numbers and gaps; without what was known only afterwards."""
    file = importlib.resources.files("sklearn.datasets") / TITANIC
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    names = [line.split()[1].strip("'\"") for line in lines if line.lower().startswith("@attribute")]
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("@data")) + 1
    rows = csv.reader(lines[start:], quotechar="'" if "'" in lines[start] else '"', skipinitialspace=True)
    kept = ("pclass", "survived", "sex", "age", "sibsp", "parch", "fare", "embarked")
    made = [dict(zip(names, row, strict=False)) for row in rows if row]
    return [{name: None if row[name] == "?" else row[name] for name in kept} for row in made]


def penguins() -> Rows:
    """Measures of penguins of three species: texts, numbers and gaps."""
    with (Path(__file__).parents[3] / "examples/data/penguins.csv").open(encoding="utf-8", newline="") as file:
        return [{name: None if value == "NA" else value for name, value in row.items()} for row in csv.DictReader(file)]


TABLES: dict[str, tuple[Callable[[], Rows], str]] = {
    "penguins": (penguins, "species"),
    "titanic": (titanic, "survived"),
    "wine": (lambda: bundled(load_wine), "target"),
    "breast cancer": (lambda: bundled(load_breast_cancer), "target"),
    "digits": (lambda: bundled(load_digits), "target"),
    "diabetes": (lambda: bundled(load_diabetes), "target"),
}


def shuffled(rows: Rows) -> Rows:
    return [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]


def ours(service: Service, rows: Rows, target: str, *, classifies: bool) -> list[float]:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    upload = service.client.post("/v1/datasets", content=text.getvalue().encode(), headers={"Content-Type": "text/csv"})
    assert upload.status_code == 201, upload.text
    last = {"activation": "softmax"} if classifies else {}
    scores = []
    for seed in SEEDS:
        asked = {
            "model": "table",
            "spec": {
                "layers": [
                    {"class_name": "Dense", "units": UNITS, "activation": "relu"},
                    {"class_name": "Dense", "units": "auto", **last},
                ]
            },
            "compile": {
                "optimizer": {"class_name": "Adam", "learning_rate": RATE},
                "loss": "sparse_categorical_crossentropy" if classifies else "mse",
            },
            "fit": {"epochs": EPOCHS, "seed": seed},
            "data": {
                "dataset": upload.json()["id"],
                "target": target,
                "split": {"test": TEST_SHARE, "method": "last"},
            },
        }
        answer = service.client.post("/v1/training-jobs", json=asked)
        assert answer.status_code == 202, answer.text
        service.work()
        version = service.client.get(answer.headers["Location"]).json()["links"]["version"]
        report = service.client.get(f"{version}/evaluations").json()["items"][0]["report"]
        scores.append(report["accuracy"] if classifies else report["outputs"][0]["r2"])
    return scores


def theirs(rows: Rows, target: str, *, classifies: bool) -> list[float]:
    held = round(len(rows) * TEST_SHARE)
    names = [name for name in rows[0] if name != target]
    texts = [name for name in names if not all(_is_number(row[name]) for row in rows)]
    table = [[row[n] if n in texts else _number(row[n]) for n in names] for row in rows]
    x = np.array(table, object)
    y = np.array([row[target] if classifies else float(row[target]) for row in rows])
    numbers = [i for i, name in enumerate(names) if name not in texts]
    places = [names.index(name) for name in texts]
    gaps = SimpleImputer(missing_values=None, strategy="most_frequent")
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("texts", make_pipeline(gaps, OneHotEncoder(handle_unknown="ignore")), places),
        ]
    )
    network = MLPClassifier if classifies else MLPRegressor
    scores = []
    for seed in SEEDS:
        model = network(
            hidden_layer_sizes=(UNITS,),
            max_iter=EPOCHS,
            batch_size=32,
            alpha=0,
            learning_rate_init=RATE,
            random_state=seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            scaled = model if classifies else TransformedTargetRegressor(model, transformer=StandardScaler())
            pipeline = make_pipeline(prepared, scaled).fit(x[:-held], y[:-held])
        scores.append(pipeline.score(x[-held:], y[-held:]))
    return scores


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def _is_number(value: Any) -> bool:
    try:
        _number(value)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("name", TABLES)
def test_a_table_and_a_target_are_enough(service: Service, name: str) -> None:
    load, target = TABLES[name]
    rows, classifies = shuffled(load()), name != "diabetes"
    mine, reference = ours(service, rows, target, classifies=classifies), theirs(rows, target, classifies=classifies)
    seeds = 2 * np.sqrt((np.var(mine, ddof=1) + np.var(reference, ddof=1)) / len(SEEDS))
    two_rows = 2 / round(len(rows) * TEST_SHARE)
    assert np.mean(mine) >= np.mean(reference) - max(seeds, two_rows), f"{mine} against {reference}"
