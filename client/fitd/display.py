"""How objects draw themselves in a notebook: plain HTML and inline SVG, no JavaScript."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT = 320, 90
_STROKES = ("#2563eb", "#d97706", "#059669", "#db2777")
_MOST_CLASSES = 30


def table_html(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table; every text is escaped."""
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(_text(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def curve_html(curves: Mapping[str, Sequence[float | None]]) -> str:
    """Lines over epochs as SVG, all on one scale, with their names."""
    values = [value for curve in curves.values() for value in curve if value is not None]
    if not values:
        return ""
    low, high = min(values), max(values)
    spread = (high - low) or 1.0
    lines, names = [], []
    for place, (name, curve) in enumerate(curves.items()):
        step = _WIDTH / max(1, len(curve) - 1)
        points = " ".join(
            f"{index * step:.1f},{4 + (high - value) / spread * (_HEIGHT - 8):.1f}"
            for index, value in enumerate(curve)
            if value is not None
        )
        color = _STROKES[place % len(_STROKES)]
        lines.append(f'<polyline fill="none" stroke="{color}" stroke-width="1.5" points="{points}"/>')
        names.append(f'<span style="color:{color}">{escape(name)}</span>')
    title = f"<title>{escape(', '.join(curves))}: {low:.4g} to {high:.4g}</title>"
    svg = f'<svg role="img" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}">{title}'
    return f"<div>{svg}{''.join(lines)}</svg><br>{' '.join(names)} ({low:.4g} to {high:.4g})</div>"


def job_html(view: Mapping[str, Any]) -> str:
    """A job: its status, its progress and its metrics."""
    progress = view["progress"]
    facts = [("status", view["status"]), ("model", view["model"]), ("version", view["version"])]
    facts += [("epoch", f"{progress['epoch']} of {progress['epochs']}"), *view["metrics"].items()]
    error = view.get("error")
    if error:
        facts.append((error["reason"], error["detail"]))
    bar = f'<progress max="1" value="{progress["fraction"]:.3f}"></progress>'
    return f"<div><b>{escape(view['id'])}</b> {bar}{table_html(('', ''), facts)}</div>"


def history_html(metrics: Mapping[str, Sequence[float | None]]) -> str:
    """Curves of losses, and of everything else."""
    losses = {name: curve for name, curve in metrics.items() if name.endswith("loss")}
    others = {name: curve for name, curve in metrics.items() if name not in losses}
    return curve_html(losses) + curve_html(others)


def dataset_html(view: Mapping[str, Any]) -> str:
    """A dataset: a profile of each column."""
    head = f"<b>{escape(view.get('name') or view['id'])}</b> {view['rows']:,} rows"
    columns = view.get("columns")
    if not columns:
        return f"<div>{head}, {view.get('width')} inputs</div>"
    names = ("name", "type", "missing", "distinct", "min", "max", "mean", "deviation")
    return f"<div>{head}{table_html(names, [[column.get(name) for name in names] for column in columns])}</div>"


def evaluation_html(view: Mapping[str, Any]) -> str:
    """An evaluation: its metrics and, of classes, the confusion matrix."""
    shown = table_html(("metric", "value"), view["metrics"].items())
    matrix = (view.get("report") or {}).get("confusion_matrix")
    if not matrix or len(matrix["classes"]) > _MOST_CLASSES:
        return f"<div>{shown}</div>"
    most = max((count for row in matrix["counts"] for count in row), default=0) or 1
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th>"
        + "".join(f'<td style="background:rgba(37,99,235,{count / most:.2f})">{count}</td>' for count in counts)
        + "</tr>"
        for name, counts in zip(matrix["classes"], matrix["counts"], strict=True)
    )
    head = "".join(f"<th>{escape(str(name))}</th>" for name in matrix["classes"])
    return f"<div>{shown}<table><tr><th></th>{head}</tr>{rows}</table></div>"


def model_html(name: str, version: int | None, label: str | None) -> str:
    """A model and which version is meant."""
    which = f"version {version}" if version is not None else f"label {label}" if label else "latest version"
    return f"<div><b>{escape(name)}</b> {escape(which)}</div>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
