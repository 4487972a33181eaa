"""Writes the pages of the reference that follow from the code: `python -m docs.generate FOLDER`.

The HTTP calls come from the OpenAPI document, the settings from `service.config`, the commands from `service.__main__`,
and the words of a request from the classes that `service.nn` registers. So no page can say what the code does not do.
"""

import argparse
import dataclasses
import inspect
import re
import sys
import tempfile
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from service.__main__ import command_line
from service.api.app import create_app
from service.config import Settings
from service.nn.arguments import Range, hints, meaning
from service.spec.spelling import REGISTRIES
from service.spec.vocabulary import model_of

KINDS = (
    "layer",
    "activation",
    "loss",
    "metric",
    "optimizer",
    "learning rate schedule",
    "callback",
    "initializer",
    "regularizer",
    "constraint",
)
PLURALS = {"loss": "losses"}
WORDS = {model_of(kind, cls).__name__: kind for kind in KINDS if kind != "activation" for cls in REGISTRIES[kind]}
"""The schemas that stand for a class of `service.nn`, and the kind of each."""


def main() -> None:
    """Writes every generated page into the folder that the first argument names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    document = openapi()
    pages = {
        "settings.md": settings_page(),
        "command-line.md": command_line_page(),
        "http.md": http_page(document),
        "vocabulary.md": vocabulary_page(),
    }
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")


def openapi() -> dict[str, Any]:
    """The OpenAPI document of a service with the default settings."""
    with tempfile.TemporaryDirectory() as scratch:
        document: dict[str, Any] = create_app(Settings(_env_file=None, data_dir=Path(scratch))).openapi()
    return document


def settings_page() -> str:
    """A table of every setting with its default and its description."""
    lines = [
        "# Settings",
        "",
        "Settings are environment variables, or lines of a file `.env` in the working directory.",
        "",
        "| variable | default | what it sets |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default is None else f"`{field.default}`"
        lines.append(f"| `FITD_{name.upper()}` | {default} | {cell(field.description or '')} |")
    return "\n".join([*lines, ""])


def command_line_page() -> str:
    """Every command with its usage and its options, without those for the supervisor's own use."""
    lines = [
        "# Command line",
        "",
        "`make run` is `python -m service serve`. Every command reads the [settings](settings.md), and exits with 0,",
        "with 1 and a sentence on standard error if the work cannot be done, or with 2 if the arguments are wrong.",
        "",
    ]
    for action in command_line()._actions:
        for name, command in action.choices.items() if isinstance(action.choices, dict) else ():
            purpose = (command.description or "").partition(": ")[2]
            lines += [f"## {name}", "", purpose[:1].upper() + purpose[1:], ""]
            lines += ["```text", command.format_usage().removeprefix("usage: ").rstrip(), "```", ""]
            options = [one for one in command._actions if one.help not in (None, argparse.SUPPRESS)]
            lines += [f"- `{', '.join(one.option_strings) or one.dest}`: {one.help}" for one in options]
            lines.append("")
    return "\n".join(lines)


def http_page(document: Mapping[str, Any]) -> str:
    """Every operation by tag, with parameters, bodies and statuses, and then every schema with its properties."""
    lines = ["# HTTP", "", "The same is shown, and can be tried, at `/docs` of a running service.", ""]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                if tag["name"] in operation["tags"]:
                    lines += operation_lines(method, path, operation)
    lines += ["## Schemas", ""]
    for name, schema in sorted(document["components"]["schemas"].items()):
        if name not in WORDS:
            lines += schema_lines(name, schema)
    return "\n".join([*lines, ""])


def operation_lines(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    """One call: what it does, what it takes, and what it may return."""
    yield from (f"### `{method.upper()} {path}`", "", operation.get("description", ""), "")
    parameters = operation.get("parameters", [])
    if parameters:
        yield from ("| parameter | in | type | |", "|---|---|---|---|")
        for one in parameters:
            kind = type_of(one["schema"])
            yield f"| `{one['name']}` | {one['in']} | {kind} | {cell(one.get('description', ''))} |"
        yield ""
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"Body: `{media_type}`, {type_of(content.get('schema', {}))}."
        yield ""
    yield from ("| status | when |", "|---|---|")
    for status, response in operation["responses"].items():
        forms = {type_of(content.get("schema", {})) for content in response.get("content", {}).values()}
        yield f"| {status} | {cell(response['description'])} {', '.join(sorted(forms))} |"
    yield ""


def schema_lines(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """One schema: its properties with their types and descriptions."""
    yield from (f"### {name}", "", schema.get("description", ""), "")
    properties = schema.get("properties", {})
    if properties:
        yield from ("| property | type | |", "|---|---|---|")
        for key, value in properties.items():
            required = "required. " if key in schema.get("required", []) else ""
            yield f"| `{key}` | {type_of(value)} | {required}{cell(value.get('description', ''))} |"
        yield ""


def vocabulary_page() -> str:
    """Every name that a spec may use, with its arguments, bounds and defaults."""
    lines = [
        "# The words of a request",
        "",
        "These names and arguments are Keras's. Each thing can be written as its name, or as an object with",
        "`class_name` and its arguments beside it or under `config`. The library `service.nn` has the same classes.",
        "",
    ]
    for kind in KINDS:
        lines += [f"## {PLURALS.get(kind, kind + 's').capitalize()}", ""]
        registry = REGISTRIES[kind]
        if kind == "activation":
            lines += [", ".join(f"`{name}`" for name in registry.names()), ""]
            continue
        for cls in registry:
            lines += class_lines(cls)
    return "\n".join([*lines, ""])


def class_lines(cls: type[Any]) -> Iterator[str]:
    """One class of the library: its docstring and its arguments."""
    yield from (f"### {cls.__name__}", "", inspect.getdoc(cls) or "", "")
    fields = [field for field in dataclasses.fields(cls) if field.init]
    if fields:
        notes = hints(cast(Hashable, cls))
        yield from ("| argument | default | what it is |", "|---|---|---|")
        for field in fields:
            default = "required" if field.default is dataclasses.MISSING else f"`{field.default!r}`"
            text = f"{meaning(cls, field.name)} {note(notes[field.name])}"
            yield f"| `{field.name}` | {default} | {cell(text)} |"
        yield ""


def note(hint: Any) -> str:
    """What an annotation says beside its type and its description: a range."""
    return "".join(f"({item})" for item in getattr(hint, "__metadata__", ()) if isinstance(item, Range))


def type_of(schema: Mapping[str, Any]) -> str:
    """A short name of a schema's type, with a link where the page has a section for it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name in WORDS:
            return f"[{WORDS[name]}](vocabulary.md#{PLURALS.get(WORDS[name], WORDS[name] + 's').replace(' ', '-')})"
        return f"[{name}](#{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')})"
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(dict.fromkeys(type_of(option) for option in options))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"][:8])
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    return str(schema.get("type", "any"))


def cell(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    main()
