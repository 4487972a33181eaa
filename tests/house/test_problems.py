"""docs/reference/problems.md names every code that the service answers, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT, MISTAKES, FAILURES = re.split(
    r"^## .*$", (ROOT / "docs/reference/problems.md").read_text("utf-8"), flags=re.MULTILINE
)
PATTERNS = (
    r'(?:Malformed|Conflict|Reused|TooMany|NotFound|Damaged|Unavailable)\([^()]*(?:\([^()]*\)[^()]*)*code="([a-z_]+)"',
    r'RefusedError\(\s*\d+, "([a-z_]+)"',
    r'problem\(\s*request, \d+, "([a-z_]+)"',
    r'^    code = "([a-z_]+)"$',
)
CODES = {
    "error": 1,
    "warn": 1,
    "Finding": 1,
    "refusal": 0,
    "PydanticCustomError": 0,
    "_UnfitColumnError": 0,
    "_each": 2,
}
"""Which argument of a call is the code of a mistake."""
COMPOSED = {"empty_column", "constant_column", "unique_column", "index_column", "invalid_parameter", "nothing_to_keep"}
OTHERS = {ROOT / "service" / name for name in ("api/inference", "nn", "worker")}
"""The protocol answers no codes, the library has none, and those of the workers are reasons of failed jobs."""
NEVER_ANSWERED = {"error", "training_failed"}
ROUTING = {"not_found", "method_not_allowed"}


def test_every_code_of_a_problem_is_explained() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", DOCUMENT, re.MULTILINE))
    said: set[str] = set(ROUTING)
    for path in sorted((ROOT / "service").rglob("*.py")):
        text = path.read_text("utf-8")
        for pattern in PATTERNS:
            said.update(re.findall(pattern, text, re.MULTILINE | re.DOTALL))
    assert documented - {"internal_error"} == said - NEVER_ANSWERED - {"internal_error"}


def test_every_reason_of_a_failed_job_is_explained() -> None:
    documented = set(re.findall(r"^\| `([a-z_]+)` \| [A-Z]", FAILURES, re.MULTILINE))
    said = {"training_failed", "invalid_request", "damaged"}
    for name in ("guards.py", "worker/loop.py", "jobs.py"):
        text = (ROOT / "service" / name).read_text("utf-8")
        for groups in re.findall(r'code="([a-z_]+)"|"reason": "([a-z_]+)"|return "([a-z_]+)"|claim, "([a-z_]+)"', text):
            said.update(filter(None, groups))
    assert documented == said


def mistakes(path: Path) -> Iterator[str]:
    """The codes in calls that note a mistake, and at the head of pairs of a code and a sentence."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        code: ast.expr | None = None
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = CODES.get(name, len(node.args))
            code = node.args[place] if place < len(node.args) else None
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
            code = node.value.elts[0] if isinstance(node.value.elts[1], ast.JoinedStr | ast.Constant) else None
        for part in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
            if isinstance(part, ast.Constant) and re.fullmatch(r"[a-z]+(_[a-z]+)*", str(part.value)):
                yield str(part.value)


def test_every_code_of_a_mistake_is_explained() -> None:
    cells = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \| ", MISTAKES, re.MULTILINE)
    documented = set(re.findall(r"`([a-z_]+)`", " ".join(cells)))
    documented |= set(re.findall(r"^\| `([a-z_]+)` \| \d{3} \|", DOCUMENT, re.MULTILINE)) | {"not_exportable"}
    said = set(COMPOSED)
    for path in sorted((ROOT / "service").rglob("*.py")):
        if not OTHERS & set(path.parents):
            said.update(mistakes(path))
    assert said - documented == set()
    everywhere = "".join(path.read_text("utf-8") for path in sorted((ROOT / "service").rglob("*.py")))
    assert {code for code in documented - COMPOSED if f'"{code}"' not in everywhere} == {"method_not_allowed"}
