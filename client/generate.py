"""Writes what this package does not say by hand: `python client/generate.py` (`--check` says what is stale).

- `fitd/synchronous/` out of `fitd/asynchronous/`, token by token;
- `fitd/answers.py`, the types of what the API answers, out of its OpenAPI document;
- `fitd/keras/layers.py` and its neighbours, out of the signatures of `service.nn`.
"""

import inspect
import io
import json
import keyword
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = HERE / "fitd"
DOCUMENT = ROOT / "tests" / "api" / "openapi.json"
MADE = "Made by client/generate.py"

DROPPED = {"async", "await"}
RENAMED = {
    "AsyncBaseTransport": "BaseTransport",
    "AsyncClient": "Client",
    "AsyncEvents": "Events",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "aclosing": "closing",
    "aiter_lines": "iter_lines",
    "aread": "read",
    "asynchronous": "synchronous",
    "asyncio": "time",
}

ROOTS = (
    "AnsweringVersionView", "DatasetPage", "EvaluationPage", "EvaluationView", "HistoryPage", "ImportedVersionView",
    "JobPage", "LabelPage", "LabelStatusView", "LabelView", "ModelPage", "ModelStatusView", "PredictionJobPage",
    "PredictionView", "Problem", "ValidationView", "VersionPage",
)  # fmt: skip


def synchronous(source: str) -> str:
    """The source without `async` and `await`, and with the names that go without them."""
    lines = source.splitlines(keepends=True)
    edits: list[tuple[int, int, int, str]] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type != tokenize.NAME:
            continue
        if token.string in DROPPED:
            end = token.end[1] + (lines[row - 1][token.end[1] : token.end[1] + 1] == " ")
            edits.append((row, column, end, ""))
        elif token.string in RENAMED:
            edits.append((row, column, token.end[1], RENAMED[token.string]))
    for row, start, end, text in reversed(edits):
        lines[row - 1] = lines[row - 1][:start] + text + lines[row - 1][end:]
    text = "".join(lines).replace("import time\nimport json\nimport time\n", "import json\nimport time\n")
    first, rest = text.split("\n", 1)
    return f"# {MADE} from the file of this name in fitd/asynchronous.\n{first}\n{rest}"


def answers(document: dict[str, Any]) -> str:
    """Types of the JSON that the API answers, one for each schema."""
    schemas = document["components"]["schemas"]
    names: dict[str, None] = {}
    for root in ROOTS:
        names |= dict.fromkeys(_reached(root, schemas, set()))
    parts = [
        f'"""What the API answers, as types. {MADE} from the OpenAPI document."""\n',
        "from typing import Any, Literal, NotRequired, TypedDict\n",
    ]
    parts += [_declared(name, schemas[name]) for name in names]
    return "\n".join(parts)


def _reached(name: str, schemas: dict[str, Any], seen: set[str]) -> Iterator[str]:
    if name in seen:
        return
    seen.add(name)
    for other in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schemas[name])):
        yield from _reached(other, schemas, seen)
    yield name


def _declared(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"{name} = {_type(schema)}\n"
    required = set(schema.get("required", ()))
    said = " ".join(str(schema.get("description", name)).split())
    fields = {
        key: _type(one) if key in required else f"NotRequired[{_type(one)}]"
        for key, one in schema.get("properties", {}).items()
    }
    if all(key.isidentifier() and not keyword.iskeyword(key) for key in fields):
        body = "".join(f"    {key}: {kind}\n" for key, kind in fields.items())
        return f'class {name}(TypedDict):\n    """{said}"""\n\n{body}'
    body = "".join(f"    {key!r}: {kind},\n" for key, kind in fields.items())
    return f'{name} = TypedDict({name!r}, {{\n{body}}})\n"""{said}"""\n'


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " | ".join(dict.fromkeys(_type(one) for one in schema[key]))
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    kind = schema.get("type")
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"dict[str, {_type(values)}]" if isinstance(values, dict) else "dict[str, Any]"
    simple = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
    return simple.get(str(kind), "Any")


def vocabulary(module: str, parent: str, classes: dict[str, Any]) -> str:
    """Keras's classes of one kind, as specs with their signatures."""
    parts = [
        f'"""Keras\'s {module} as specs. {MADE} from the signatures of the service."""\n',
        "from typing import Any\n",
        "from fitd.keras.specs import Spec\n",
        f'class {parent}(Spec):\n    """The parent of all {module}."""\n',
    ]
    parts += [_class(cls, parent) for cls in classes.values()]
    exported = sorted([*classes, parent])
    if module == "layers":
        parts.append("def Input(shape: Any = None, batch_size: int | None = None, **others: Any) -> InputLayer:"
                     '\n    """The shape of one row."""\n'
                     "    return InputLayer(shape, batch_size=batch_size, **others)\n")  # fmt: skip
        exported = sorted([*exported, "Input"])
    parts.append(f"__all__ = {exported!r}\n")
    return "\n\n".join(parts)


def _class(cls: Any, parent: str) -> str:
    said = inspect.getdoc(cls) or cls.__name__
    first = " ".join(said.split("\n\n")[0].split())
    if not first.endswith("."):
        first += "."
    raw = "r" if "\\" in first else ""
    parameters = [
        one
        for one in inspect.signature(cls).parameters.values()
        if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
    ]
    written, has_star = [], False
    for one in parameters:
        if one.kind is one.KEYWORD_ONLY and not has_star:
            written.append("*")
            has_star = True
        default = "" if one.default is one.empty else f" = {_default(one.default)}"
        written.append(f"{one.name}: Any{default}")
    head = f'class {cls.__name__}({parent}):\n    {raw}"""{first}"""\n\n'
    if not parameters:
        return head
    named = ", ".join(f"{one.name}={one.name}" for one in parameters)
    return head + f"    def __init__(self, {', '.join(written)}) -> None:\n        super().__init__({named})\n"


def _default(value: Any) -> str:
    return repr(value) if isinstance(value, int | float | str | bool | tuple | list | None) else "None"


def keras_modules() -> Iterator[tuple[str, str]]:
    """The files of the vocabulary."""
    sys.path.insert(0, str(ROOT))
    from service.nn import activations, constraints, initializers, layers, losses, metrics, optimizers, regularizers
    from service.nn.optimizers import schedules

    kinds = {
        "layers": ("Layer", layers),
        "losses": ("Loss", losses),
        "metrics": ("Metric", metrics),
        "optimizers": ("Optimizer", optimizers),
        "initializers": ("Initializer", initializers),
        "regularizers": ("Regularizer", regularizers),
        "constraints": ("Constraint", constraints),
        "schedules": ("LearningRateSchedule", schedules),
    }
    for name, (parent, module) in kinds.items():
        found: Any = module
        yield f"{name}.py", vocabulary(name, parent, dict(sorted(found.REGISTRY.classes().items())))
    names = sorted(name for name in activations.REGISTRY.names() if name.isidentifier())
    text = f'"""Keras\'s activations, which are names here. {MADE} from the signatures of the service."""\n\n'
    yield "activations.py", text + "".join(f'{name} = "{name}"\n' for name in names)


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is made, and what is to stand in it before it is formatted."""
    for path in sorted((PACKAGE / "asynchronous").glob("*.py")):
        yield PACKAGE / "synchronous" / path.name, synchronous(path.read_text(encoding="utf-8"))
    yield PACKAGE / "answers.py", answers(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    for name, text in keras_modules():
        yield PACKAGE / "keras" / name, text


def formatted(text: str, path: Path) -> str:
    """The text as ruff formats it, with sorted imports."""
    for command in (["check", "--fix", "--quiet", "--select", "I,F401,RUF022", "--exit-zero"], ["format", "--quiet"]):
        run = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"],
            input=text, capture_output=True, text=True, check=True, cwd=ROOT,
        )  # fmt: skip
        text = run.stdout
    return text


def main(arguments: list[str]) -> int:
    """Writes the files or, with `--check`, names those that are stale."""
    stale = []
    for path, text in files():
        wanted = formatted(text, path)
        if path.exists() and path.read_text(encoding="utf-8") == wanted:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if "--check" not in arguments:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
    if stale and "--check" in arguments:
        print("Stale; run: python client/generate.py\n" + "\n".join(stale), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
