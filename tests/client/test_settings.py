"""Where address and key come from, and that others cannot read them."""

import pickle
import stat

import pytest

import fitd
from fitd.settings import Settings, profile_path, settings_of, write_profile


def test_arguments_go_before_the_environment_and_that_before_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings_of().url == "http://127.0.0.1:8000"
    write_profile(Settings("http://kept:1", "fitd_kept"))
    assert settings_of() == Settings("http://kept:1", "fitd_kept")
    monkeypatch.setenv("FITD_API_KEY", "fitd_environment")
    assert settings_of() == Settings("http://kept:1", "fitd_environment")
    monkeypatch.setenv("FITD_URL", "http://environment:1/")
    assert settings_of("http://argument:1", "fitd_argument") == Settings("http://argument:1", "fitd_argument")
    assert settings_of() == Settings("http://environment:1", "fitd_environment")


def test_a_kept_key_goes_to_its_own_address_only() -> None:
    write_profile(Settings("http://kept:1", "fitd_kept"))
    assert settings_of("http://other:1").api_key is None
    assert settings_of("http://kept:1/").api_key == "fitd_kept"


def test_the_file_of_profiles_is_its_owners_alone() -> None:
    path = write_profile(Settings("http://kept:1", "fitd_kept"))
    write_profile(Settings("http://second:1"), "second")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert settings_of(profile="second") == Settings("http://second:1")
    assert settings_of().api_key == "fitd_kept"
    profile_path().chmod(0o644)
    with pytest.raises(fitd.SettingsError, match="chmod 600"):
        settings_of()


@pytest.mark.parametrize("url", ["fitd.test", "ftp://fitd.test", "file:///etc"])
def test_an_address_is_one_of_http(url: str) -> None:
    with pytest.raises(fitd.SettingsError, match="http://"):
        fitd.Client(url)


def test_a_pickled_client_has_no_key() -> None:
    content = pickle.dumps(fitd.Client("http://kept:1", "fitd_secret"))
    assert b"secret" not in content
    assert pickle.loads(content).url == "http://kept:1"


def test_a_pickled_error_is_the_same_error() -> None:
    error = fitd.Invalid(422, "invalid_request", "1 mistake.", request_id="req_1")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (fitd.Invalid, str(error))
    failed = pickle.loads(pickle.dumps(fitd.JobFailed("It failed.", "job_1", "diverged")))
    assert (str(failed), failed.job_id, failed.reason) == ("It failed.", "job_1", "diverged")
