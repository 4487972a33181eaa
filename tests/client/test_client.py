"""The client against a real service: data go up, jobs are watched, predictions come back as what went in."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import fitd

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "length": np.r_[RNG.normal(0, 1, 60), RNG.normal(6, 1, 60)].round(3),
        "island": ["a", "b"] * 60,
        "species": ["adelie"] * 60 + ["gentoo"] * 60,
    }
)


@pytest.fixture(scope="module")
def _trained(service: Any) -> None:
    with fitd.Client(service.url) as client:
        client.train(FRAME, target="species", model="birds", preset="plain", fit={"seed": 1}).wait(timeout=60)
        x = FRAME[["length"]].to_numpy()
        client.train(x, FRAME["length"] * 2, model="double", preset="plain", fit={"seed": 1}).wait(timeout=60)


def test_a_frame_is_trained_on_and_the_history_is_a_frame(client: fitd.Client) -> None:
    job = client.train(FRAME, target="species", model="frame", preset="plain", fit={"seed": 1, "epochs": 5})
    events = list(job.watch(timeout=60))
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert events[-1].kind == "done"
    assert job.wait(timeout=60).status == "succeeded"
    history = job.history
    assert isinstance(history, pd.DataFrame)
    assert list(history.index) == [1, 2, 3, 4, 5]
    assert history["loss"].iloc[-1] == job.metrics["loss"]
    assert job.score["baseline"] > 0
    assert "<svg" not in job._repr_html_()
    assert job.id in job._repr_html_()


@pytest.mark.usefixtures("_trained")
def test_a_frame_of_pandas_gives_one_with_its_index(client: fitd.Client) -> None:
    rows = FRAME[["length", "island"]].iloc[[3, 100]]
    found = client.models["birds"].predict(rows)
    assert isinstance(found, pd.DataFrame)
    assert list(found.index) == [3, 100]
    assert list(found["predicted_species"]) == ["adelie", "gentoo"]


@pytest.mark.usefixtures("_trained")
def test_a_table_of_arrow_gives_one(client: fitd.Client) -> None:
    import pyarrow as pa

    found = client.models["birds"].predict(pa.table({"length": [0.0, 6.0], "island": ["a", "b"]}))
    assert isinstance(found, pa.Table)
    assert found["predicted_species"].to_pylist() == ["adelie", "gentoo"]


@pytest.mark.usefixtures("_trained")
def test_without_pyarrow_a_frame_of_pandas_goes_as_csv(client: fitd.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = FRAME[["length", "island"]].iloc[[3, 100]]
    wanted = client.models["birds"].predict(rows)
    for module in ("fitd.payloads", "fitd.predictions"):
        monkeypatch.setattr(f"{module}.arrow_library", lambda: None)
    found = client.models["birds"].predict(rows)
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False, rtol=1e-5)
    assert client.datasets.upload(FRAME).rows == 120


@pytest.mark.usefixtures("_trained")
def test_dictionaries_and_lists_give_their_like(client: fitd.Client) -> None:
    model = client.models["birds"]
    records = model.predict([{"length": 0.0, "island": "a"}, {"length": 6.0, "island": "b"}])
    assert [row["predicted_class"] for row in records] == ["adelie", "gentoo"]
    columns = model.predict({"length": [0.0, 6.0], "island": ["a", "b"]}, outputs=["predicted_classes"])
    assert columns == {"predicted_class": ["adelie", "gentoo"]}
    assert len(model.predict([[0.0, "a"]])[0]) == 2
    file = client.models["birds"].predict
    with pytest.raises(fitd.DataError, match="no file"):
        file("nowhere.csv")


@pytest.mark.usefixtures("_trained")
def test_arrays_large_and_small_give_the_same_numbers(client: fitd.Client) -> None:
    rows = RNG.normal(size=(5000, 1)).astype(np.float32)
    model = client.models["double"]
    large, small = model.predict(rows), model.predict(rows[:10])
    assert large.shape == (5000, 1)
    assert large.dtype == np.float32
    np.testing.assert_allclose(large[:10], small, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.at(1).predict(rows), large)


def test_a_file_is_streamed_and_its_progress_told(client: fitd.Client, tmp_path: Path) -> None:
    path = tmp_path / "birds.csv"
    FRAME.to_csv(path, index=False)
    told: list[tuple[int, int | None]] = []
    dataset = client.datasets.upload(path, name="birds", progress=lambda sent, size: told.append((sent, size)))
    assert told[-1] == (path.stat().st_size, path.stat().st_size)
    assert dataset.columns == ["length", "island", "species"]
    assert "island" in dataset._repr_html_()
    assert client.datasets.get("birds").id == dataset.id


@pytest.mark.usefixtures("_trained")
def test_a_version_is_measured_labelled_exported_and_imported(client: fitd.Client, tmp_path: Path) -> None:
    model = client.models["double"]
    measured = model.evaluate([[1.0], [2.0]], [2.0, 4.0])
    assert measured["loss"] >= 0
    assert "metric" in measured._repr_html_()
    model.set_label("stable")
    assert model.labels() == {"stable": 1}
    assert model.at("stable").describe()["version"] == 1
    content = model.export("keras", tmp_path / "double.keras")
    assert (tmp_path / "double.keras").read_bytes() == content
    copy = client.models.import_(tmp_path / "double.keras", "copy")
    rows = np.asarray([[0.5], [1.5]])
    np.testing.assert_allclose(copy.predict(rows), model.predict(rows), rtol=1e-5)
    assert {"double", "copy"} <= {one["name"] for one in client.models.list()}
    model.remove_label("stable")
    assert model.labels() == {}


def test_a_mistake_tells_its_place_its_value_and_the_nearest_name(client: fitd.Client) -> None:
    with pytest.raises(fitd.Invalid) as caught:
        client.train(
            [[1.0]], [2.0], spec=[{"class_name": "Dense", "units": 1}], compile={"optimizer": "adm", "loss": "mse"}
        )
    assert caught.value.pointer == "#/compile/optimizer"
    assert caught.value.status == 422
    assert caught.value.request_id
    assert "sent: 'adm'" in str(caught.value)
    assert "Did you mean 'adam'?" in str(caught.value)
    with pytest.raises(fitd.NotFound):
        client.jobs.get("job_00000000000000000000000000")


def test_a_cancel_keeps_the_best_weights(client: fitd.Client) -> None:
    spec = [{"class_name": "Dense", "units": 64}, {"class_name": "Dense", "units": 1}]
    job = client.train(
        RNG.normal(size=(2000, 4)), RNG.normal(size=2000), model="long", spec=spec,
        compile={"optimizer": "sgd", "loss": "mse"}, fit={"epochs": 10_000},
    )  # fmt: skip
    next(event for event in job.watch(timeout=60) if event.kind == "epoch")
    assert job.cancel(keep="best").status == "cancelled"
    with pytest.raises(fitd.JobCancelled):
        job.wait()
    assert job.version == 1
    assert client.jobs.list(model="long")[0].id == job.id


def test_a_wait_ends_at_its_deadline_and_the_job_goes_on(client: fitd.Client) -> None:
    spec = [{"class_name": "Dense", "units": 1}]
    x, compiled = RNG.normal(size=(20_000, 4)), {"optimizer": "sgd", "loss": "mse"}
    job = client.train(x, x[:, 0], spec=spec, compile=compiled, fit={"epochs": 10_000, "batch_size": 1})
    with pytest.raises(fitd.TimedOut):
        job.wait(timeout=1.0)
    assert not job.refresh().is_final
    job.cancel()


def test_the_asynchronous_client_does_the_same(service: Any) -> None:
    async def session() -> tuple[list[str], Any]:
        async with fitd.AsyncClient(service.url) as client:
            job = await client.train(FRAME, target="species", model="later", preset="plain", fit={"epochs": 3})
            kinds = [event.kind async for event in job.watch(timeout=60)]
            await job.wait(timeout=60)
            history = await job.history
            assert len(history) == 3
            return kinds, await client.models["later"].predict(FRAME[["length", "island"]])

    kinds, found = asyncio.run(session())
    assert kinds[-1] == "done"
    assert len(found) == 120
