"""The commands of `fitd`."""

import sys
import webbrowser
from pathlib import Path
from typing import Any

import click

from fitd.cli.group import cli, command, end
from fitd.cli.output import Screen, follow, job_text, metrics_text, table_of
from fitd.errors import DataError, FitdError
from fitd.payloads import Payload, of_bytes
from fitd.settings import Settings, profile_path, settings_of, write_profile
from fitd.synchronous.client import Client

_TIMEOUT = click.option("--timeout", type=float, default=None, help="Seconds to wait at most.")


def _payload(path: str) -> Payload | Path:
    """A file, or the standard input for `-`."""
    if path != "-":
        return Path(path)
    return of_bytes(sys.stdin.buffer.read(), "text/csv")


@command(
    "train",
    click.argument("data"),
    click.option("--target", required=True, help="The column to predict."),
    click.option("--model", help="Name of the model; a name is made if there is none."),
    click.option("--preset", type=click.Choice(["auto", "plain", "realmlp", "tabm"]), help="The recipe; auto."),
    click.option("--epochs", type=int),
    click.option("--seed", type=int),
    click.option("--test", type=float, help="Share of the rows to measure on at the end."),
    click.option("--detach", is_flag=True, help="Do not wait for the end."),
    _TIMEOUT,
)
def train(
    screen: Screen, client: Client, data: str, target: str, model: str | None, preset: str | None,
    epochs: int | None, seed: int | None, test: float | None, detach: bool, timeout: float | None,
) -> None:  # fmt: skip
    """Train on a table: a file, `-` for CSV from a pipe, or the id of a dataset."""
    fit = {key: value for key, value in {"epochs": epochs, "seed": seed}.items() if value is not None}
    split = None if test is None else {"test": test, "validation": 0.1}
    name = model or (None if data == "-" or data.startswith("ds_") else _name_of(Path(data)))
    source = data if data.startswith("ds_") else _payload(data)
    job = client.train(source, target=target, model=name, preset=preset, fit=fit or None, split=split)
    if not detach:
        follow(screen, job, timeout)
    screen.show(job.view, table=lambda: job_text(job))
    job.check()


@command(
    "predict",
    click.argument("model"),
    click.argument("rows", default="-"),
    click.option("--at", "which", help="A version's number, or a label."),
    click.option("-o", "--output", type=click.Path(dir_okay=False), help="File to write; else the standard output."),
)
def predict(screen: Screen, client: Client, model: str, rows: str, which: str | None, output: str | None) -> None:
    """Predict for each row of a table; `-` or nothing reads CSV from a pipe. The answer is of the same format."""
    if screen.as_json and rows != "-":
        raise DataError("Predictions are a table; leave out --json, or pass a file of Parquet or CSV.")
    content = _at(client, model, which).predict_table(_payload(rows))
    if output is None:
        sys.stdout.buffer.write(content)
    else:
        Path(output).write_bytes(content)
        screen.notes.print(f"Wrote {output}")


@command("evaluate", click.argument("model"), click.argument("data"), click.option("--at", "which"))
def evaluate(screen: Screen, client: Client, model: str, data: str, which: str | None) -> None:
    """Measure a model on a table that has its target."""
    dataset = client.datasets.get(data) if data.startswith("ds_") else client.datasets.upload(_payload(data))
    found = _at(client, model, which).evaluate(dataset)
    screen.show(found.view, table=lambda: metrics_text(found))


@command(
    "jobs",
    click.option("--status"),
    click.option("--model"),
    click.option("--limit", type=int, default=20),
)
def jobs(screen: Screen, client: Client, status: str | None, model: str | None, limit: int) -> None:
    """List the newest training jobs."""
    found = client.jobs.list(status=status, model=model, limit=limit)
    rows = [(job.id, job.status, job.view["model"], job.version, f"{job.view['progress']['fraction']:.0%}",
             metrics_text(job.metrics)) for job in found]  # fmt: skip
    names = ("job", "status", "model", "version", "done", "metrics")
    screen.show([job.view for job in found], table=lambda: table_of(names, rows))


@command("watch", click.argument("job_id", metavar="JOB"), _TIMEOUT)
def watch(screen: Screen, client: Client, job_id: str, timeout: float | None) -> None:
    """Follow a job to its end."""
    job = follow(screen, client.jobs.get(job_id), timeout)
    screen.show(job.view, table=lambda: job_text(job))
    job.check()


@command("cancel", click.argument("job_id", metavar="JOB"), click.option("--keep", type=click.Choice(["best", "last"])))
def cancel(screen: Screen, client: Client, job_id: str, keep: Any) -> None:
    """Stop a job, and keep its weights so far if asked to."""
    job = client.jobs.get(job_id).cancel(keep)
    screen.show(job.view, table=lambda: job_text(job))


@command("models", click.argument("model", required=False))
def models(screen: Screen, client: Client, model: str | None) -> None:
    """List the models, or the versions of one."""
    if model is None:
        found: list[Any] = list(client.models.list())
        rows = [(one["name"], one["latest_version"], one["versions"], one["updated_at"]) for one in found]
        screen.show(found, table=lambda: table_of(("model", "latest", "versions", "updated"), rows))
        return
    versions: list[Any] = list(client.models[model].versions())
    listed = [(one["version"], one["created_at"], one["size_bytes"], metrics_text(one["metrics"])) for one in versions]
    screen.show(versions, table=lambda: table_of(("version", "created", "bytes", "metrics"), listed))


@command(
    "labels",
    click.argument("model"),
    click.argument("label", required=False),
    click.argument("version", type=int, required=False),
    click.option("--remove", is_flag=True, help="Take the label away."),
)
def labels(screen: Screen, client: Client, model: str, label: str | None, version: int | None, remove: bool) -> None:
    """List the labels of a model, or move one to a version (the latest if none is given)."""
    named = client.models[model]
    if label is not None:
        if remove:
            named.remove_label(label)
        else:
            named.set_label(label, version)
    found = named.labels()
    screen.show(found, table=lambda: table_of(("label", "version"), found.items()))


@command(
    "export",
    click.argument("model"),
    click.option(
        "--format",
        "file_format",
        default="keras",
        type=click.Choice(["keras", "onnx", "safetensors", "json", "python"]),
    ),
    click.option("--at", "which"),
    click.option("-o", "--output", type=click.Path(dir_okay=False), help="File to write; - is the standard output."),
)
def export(screen: Screen, client: Client, model: str, file_format: str, which: str | None, output: str | None) -> None:
    """Write a version as a file that other programs read."""
    content = _at(client, model, which).export(file_format)
    if output == "-":
        sys.stdout.buffer.write(content)
        return
    path = Path(output or f"{model}.{'zip' if file_format == 'python' else file_format}")
    path.write_bytes(content)
    screen.show({"file": str(path), "bytes": len(content)}, table=lambda: f"Wrote {path} ({len(content):,} bytes)")


@command("import", click.argument("file"), click.option("--model", help="Name of the model."))
def import_(screen: Screen, client: Client, file: str, model: str | None) -> None:
    """Make a version of a .keras or HDF5 file."""
    source: Any = sys.stdin.buffer.read() if file == "-" else file
    found = client.models.import_(source, model)
    told = {"model": found.name, "version": found.version}
    screen.show(told, table=lambda: f"{found.name} version {found.version}")


@command("datasets", click.argument("data", required=False), click.option("--name"))
def datasets(screen: Screen, client: Client, data: str | None, name: str | None) -> None:
    """List the datasets, or upload one: a file, or `-` for CSV from a pipe."""
    found = [client.datasets.upload(_payload(data), name=name)] if data else client.datasets.list(name=name)
    rows = [(one.id, one.view["name"], one.rows, one.view["width"], one.view["size_bytes"]) for one in found]
    screen.show(
        [one.view for one in found], table=lambda: table_of(("dataset", "name", "rows", "width", "bytes"), rows)
    )


@command("keys")
def keys(screen: Screen, client: Client) -> None:
    """List the keys of the service, without their secrets."""
    found = client.transport.get("/v1/keys")["items"]
    names = list(dict.fromkeys(name for one in found for name in one if name != "links"))
    screen.show(found, table=lambda: table_of(names, [[one.get(name) for name in names] for one in found]))


@command("login", click.argument("url"), click.option("--name", default="default", help="Name of the profile."))
def login(screen: Screen, client: Client, url: str, name: str) -> None:
    """Keep an address and a key, which is asked for without showing it (or read from a pipe)."""
    del client
    if sys.stdin.isatty():
        key = click.prompt("Key (nothing if the service has none)", default="", hide_input=True, show_default=False)
    else:
        key = sys.stdin.readline().strip()
    settings = settings_of(url, key or None) if key else Settings(settings_of(url).url)
    with Client(settings.url, settings.api_key) as other:
        other.models.list()
    path = write_profile(settings, name)
    screen.show({"profile": name, "file": str(path)}, table=lambda: f"Kept as {name} in {path}. Next: fitd models")


@command("open")
def open_(screen: Screen, client: Client) -> None:
    """Open the page of the service in a browser."""
    webbrowser.open(client.url)
    screen.show({"url": client.url}, table=lambda: client.url)


@command("doctor")
def doctor(screen: Screen, client: Client) -> None:
    """Say what is wrong with the set-up."""
    path = profile_path()
    found = {"address": client.url, "key": bool(client.transport.settings.api_key), "profiles": path.exists()}
    try:
        found["service"] = client.check()
        found["models"] = len(client.models.list())
    except FitdError as error:
        screen.show({**found, "error": str(error)}, table=lambda: f"Address {client.url}, key {_yes(found['key'])}.")
        raise
    said = f"{client.url} is ready and holds {found['models']} models; key {_yes(found['key'])}; profiles {path}."
    screen.show(found, table=lambda: said)


@cli.command("serve", context_settings={"ignore_unknown_options": True})
@click.option("--service", type=click.Path(file_okay=False), help="Checkout of the service; FITD_SERVICE otherwise.")
@click.option("--folder", type=click.Path(file_okay=False), default="fitd-data", show_default=True)
@click.option("--port", type=int, default=8000, show_default=True)
@click.pass_obj
def serve(screen: Screen, service: str | None, folder: str, port: int) -> None:
    """Run a service from a checkout until Ctrl-C."""
    from fitd.embedded import LocalService  # noqa: PLC0415 - one command alone starts services

    try:
        made = LocalService(service, folder=folder, port=port)
        with made as client:
            click.echo(client.url)
            made.wait()
    except FitdError as error:
        end(screen, error)


@cli.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete the commands: eval "$(fitd completion bash)"."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(cli, {}, "fitd", "_FITD_COMPLETE").source())


def _at(client: Client, model: str, which: str | None) -> Any:
    named = client.models[model]
    return named if which is None else named.at(int(which) if which.isdecimal() else which)


def _name_of(path: Path) -> str:
    return (
        "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in path.stem).strip("-") or "model"
    )


def _yes(known: Any) -> str:
    return "given" if known else "not given"
