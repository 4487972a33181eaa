"""A service of one's own: run from a checkout, ended with the block, and a clear word where there is none."""

from pathlib import Path

import pytest

import fitd

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(not (ROOT / ".venv" / "bin" / "python").exists(), reason="this checkout has no .venv")
def test_a_service_lives_as_long_as_its_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FITD_SERVICE", str(ROOT))
    with fitd.local(folder=tmp_path / "data") as client:
        job = client.train([[0.0], [1.0]] * 10, [0.0, 1.0] * 10, preset="plain", model="own", fit={"epochs": 2})
        assert job.wait(timeout=60).status == "succeeded"
        url = client.url
    with fitd.Client(url, retries=0) as gone, pytest.raises(fitd.Unreachable):
        gone.check()
    with fitd.local(ROOT, folder=tmp_path / "data") as client:
        assert [one["name"] for one in client.models.list()] == ["own"]


def test_without_a_checkout_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FITD_SERVICE", raising=False)
    with pytest.raises(fitd.SettingsError, match="FITD_SERVICE"):
        fitd.local()
    with pytest.raises(fitd.SettingsError, match="no checkout"):
        fitd.local(tmp_path)
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__main__.py").touch()
    with pytest.raises(fitd.SettingsError, match=r"make \.venv"):
        fitd.local(tmp_path)
