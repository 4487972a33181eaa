"""What is made by `client/generate.py` is what stands in the package."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_made_files_agree_with_their_sources() -> None:
    command = [sys.executable, str(ROOT / "client" / "generate.py"), "--check"]
    run = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    assert run.returncode == 0, run.stderr


def test_the_package_imports_neither_the_service_nor_what_it_does_not_declare() -> None:
    script = (
        "import sys, fitd; found = {name.partition('.')[0] for name in sys.modules}; "
        "sys.exit(str(found & {'service', 'pandas', 'polars', 'pyarrow', 'sklearn', 'pydantic'} or ''))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True, cwd=ROOT / "client"
    )
    assert run.stderr.strip() == ""
