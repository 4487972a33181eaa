"""Clients that people use, with their defaults, against a real server; what is not installed is skipped by name."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.e2e.server import Server
from tests.support.serving import small

JAVA = """
import java.net.URI;
import java.net.http.*;

public class Ask {
    public static void main(String[] given) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        for (int i = 0; i < 3; i++) {
            HttpRequest request = HttpRequest.newBuilder(URI.create(given[0] + given[1]))
                .header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(given[2])).build();
            HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
            System.out.println(answer.statusCode() + " " + answer.version());
        }
    }
}
"""
NODE = """
const [url, path, body] = process.argv.slice(1);
for (let i = 0; i < 3; i++) {
    const answer = await fetch(url + path, {method: "POST", headers: {"Content-Type": "application/json"}, body});
    await answer.text();
    console.log(answer.status);
}
"""
PAGE = """<title>waiting</title><script>
const at = "URL", told = [];
async function ask(name, path, options) {
    try {
        const answer = await fetch(at + path, options);
        told.push(name + " " + (answer.type === "opaque" ? "opaque" : answer.status));
    } catch (error) { told.push(name + " refused"); }
}
(async () => {
    await ask("read", "/v1/models", {});
    await ask("blob", "/v1/datasets?name=blob", {method: "POST", mode: "no-cors", body: new Blob(["a,b\\n1,2\\n"])});
    await ask("text", "/v1/datasets?name=text", {method: "POST", mode: "no-cors", body: "a,b\\n1,2\\n"});
    await ask("train", "/v1/training-jobs", {method: "POST", mode: "no-cors", body: "{}"});
    await ask("delete", "/v1/models/xor", {method: "DELETE"});
    document.title = told.join(", ");
    document.body.textContent = document.title;
})();
</script><body></body>"""
ROWS = json.dumps({"instances": [[0, 1]]})


def program(*names: str) -> str:
    """Where a program is; the test is skipped if it is not installed."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"left out: {' or '.join(names)} is not installed")
    return found


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made = Server(tmp_path_factory.mktemp("clients"), FITD_WORKERS="1")
    made.start()
    request = small(fit={"epochs": 1})
    httpx.post(f"{made.url}/v1/training-jobs", json=request, headers={"Prefer": "wait=30"}).raise_for_status()
    yield made
    made.stop()


TRAIN = "/v1/training-jobs:validate"
CALLS = [("/v1/models/xor:predict", ROWS), ("/v2/models/xor/infer", "{}"), (TRAIN, json.dumps(small()))]


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_java_with_its_upgrade_to_http_2(server: Server, tmp_path: Path, path: str, body: str) -> None:
    java = program("java")
    source = tmp_path / "Ask.java"
    source.write_text(JAVA, encoding="utf-8")
    if subprocess.run([java, "-version"], capture_output=True, check=False).returncode:
        pytest.skip("left out: java does not run")
    expected = 400 if path.startswith("/v2") else 200
    assert run(java, str(source), server.url, path, body).splitlines() == [f"{expected} HTTP_1_1"] * 3


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_curl_with_an_upgrade_to_http_2(server: Server, path: str, body: str) -> None:
    curl = program("curl")
    if "HTTP2" not in run(curl, "--version"):
        pytest.skip("left out: this curl has no HTTP/2")
    command = [curl, "-sS", "--http2", "-o", "/dev/null", "-w", "%{http_code} %{http_version}\n", "-d", body]
    command += ["-H", "Content-Type: application/json"]
    expected = 400 if path.startswith("/v2") else 200
    assert run(*command, server.url + path) == f"{expected} 1.1\n"


@pytest.mark.parametrize(("path", "body"), CALLS)
def test_fetch_of_node(server: Server, path: str, body: str) -> None:
    node = program("node")
    if int(run(node, "--version").lstrip("v").partition(".")[0]) < 18:
        pytest.skip("left out: this node has no fetch")
    expected = "400" if path.startswith("/v2") else "200"
    assert run(node, "--input-type=module", "-e", NODE, server.url, path, body).split() == [expected] * 3


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Says nothing."""


def browse(url: str, profile: Path) -> str:
    """The page as it is after its scripts have run."""
    chromium = program("chromium", "chromium-browser", "google-chrome")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    options += [f"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom"]
    return run(chromium, *options, url)


def test_a_page_of_another_origin_changes_nothing(server: Server, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(PAGE.replace("URL", server.url), encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as elsewhere:
        threading.Thread(target=elsewhere.serve_forever).start()
        try:
            found = browse(f"http://localhost:{elsewhere.server_port}/", tmp_path / "profile")
        finally:
            elsewhere.shutdown()
    assert "read refused, blob opaque, text opaque, train opaque, delete refused" in found
    assert httpx.get(f"{server.url}/v1/datasets").json()["items"] == []
    assert httpx.get(f"{server.url}/v1/models/xor").status_code == 200


def test_the_documentation_works_in_a_browser(server: Server, tmp_path: Path) -> None:
    found = browse(f"{server.url}/docs", tmp_path / "profile")
    assert "/v1/training-jobs" in found
    assert "opblock" in found
