"""The manifests are what Kubernetes takes, and say what the rest of the repository says."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.api.http.callers import Callers
from service.config import VERSION, Settings

MANIFESTS = list(yaml.safe_load_all((Path(__file__).parents[2] / "docs/kubernetes/fitd.yaml").read_text("utf-8")))
PODS = [manifest for manifest in MANIFESTS if "template" in manifest.get("spec", {})]


def named(manifest: dict[str, Any]) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


@pytest.mark.parametrize("manifest", MANIFESTS, ids=named)
def test_a_manifest_follows_the_schema(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.30", strict=True)


@pytest.mark.parametrize("manifest", PODS, ids=named)
def test_a_pod_runs_a_command_of_this_release_with_as_little_as_it_needs(manifest: dict[str, Any]) -> None:
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == f"fitd:{VERSION}"
    assert container["args"][0] in ("migrate", "api", "worker")
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False
    assert {"cpu", "memory"} <= set(container["resources"]["limits"])
    probes = [container[name] for name in ("livenessProbe", "readinessProbe") if name in container]
    assert all(probe["timeoutSeconds"] > 1 for probe in probes)
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_settings_exist() -> None:
    (settings,) = (manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap")
    assert set(settings) <= {f"FITD_{name.upper()}" for name in Settings.model_fields}


def test_nobody_calls_a_pod_that_no_policy_speaks_of() -> None:
    policies = [manifest["spec"]["podSelector"] for manifest in MANIFESTS if manifest["kind"] == "NetworkPolicy"]
    chosen = {one["matchLabels"]["app"] for one in policies if "matchLabels" in one}
    chosen |= {name for one in policies for rule in one.get("matchExpressions", ()) for name in rule["values"]}
    assert chosen == {pod["spec"]["template"]["metadata"]["labels"]["app"] for pod in PODS}


def test_the_names_of_the_service_are_those_that_it_answers_to() -> None:
    (settings,) = (manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap")
    (service,) = (manifest["metadata"]["name"] for manifest in MANIFESTS if manifest["kind"] == "Service")
    callers = Callers(Settings(_env_file=None, allowed_hosts=settings["FITD_ALLOWED_HOSTS"]).host_names)
    for suffix in ("", ".default", ".default.svc", ".default.svc.cluster.local"):
        callers.judge(b"/v1/models", {b"host": f"{service}{suffix}".encode()})
