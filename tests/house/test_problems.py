"""docs/problems.md names every code that the service answers, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/problems.md").read_text("utf-8")
PATTERNS = (
    r'(?:Malformed|Conflict|Reused|TooMany|NotFound|Damaged)\([^()]*(?:\([^()]*\)[^()]*)*code="([a-z_]+)"',
    r'problem\(\s*request, \d+, "([a-z_]+)"',
    r'^    code = "([a-z_]+)"$',
)
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
    documented = set(re.findall(r"^\| `([a-z_]+)` \| [A-Z]", DOCUMENT, re.MULTILINE))
    said = {"training_failed", "invalid_request", "damaged"}
    for name in ("guards.py", "worker/loop.py", "jobs.py"):
        text = (ROOT / "service" / name).read_text("utf-8")
        for groups in re.findall(r'code="([a-z_]+)"|"reason": "([a-z_]+)"|return "([a-z_]+)"|claim, "([a-z_]+)"', text):
            said.update(filter(None, groups))
    assert documented == said
