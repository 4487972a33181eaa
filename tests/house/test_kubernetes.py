"""The manifests are what Kubernetes takes, and say what the rest of the repository says."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

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
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]


def test_the_settings_exist() -> None:
    (settings,) = (manifest["data"] for manifest in MANIFESTS if manifest["kind"] == "ConfigMap")
    assert set(settings) <= {f"FITD_{name.upper()}" for name in Settings.model_fields}
