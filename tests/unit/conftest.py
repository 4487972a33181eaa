"""What tests of the storage and of the worker share: a bucket."""

import uuid
from collections.abc import Iterator

import pytest
from moto.server import ThreadedMotoServer


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[int]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    yield port
    server.stop()


@pytest.fixture
def bucket(bucket_server: int, monkeypatch: pytest.MonkeyPatch) -> str:
    import boto3

    endpoint = f"http://127.0.0.1:{bucket_server}"
    given = {"ENDPOINT_URL": endpoint, "REGION": "us-east-1"}
    given |= {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="fitd-tests")
    return f"s3://fitd-tests/{uuid.uuid4().hex}"
