"""The real kubectl builds what the recipe of Kubernetes applies; what it builds is taken by the strictest schemas there are."""

import shutil

import pytest
import yaml

from cluster.core import env_file
from tests.conftest import ROOT
from tests.support.recipes import found, schemas
from tests.support.recipes.tools import LAYER, built, unpack_kubectl
from tests.support.recipes.typos import typos

KUBERAY = ROOT / "cluster" / "kuberay"
APPLIED = [path.parent for path in found.files("kustomization") if path.parent.name != "secrets"]


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory):
    assert LAYER.is_dir(), "kubectl is not in .venv: `make test-system` puts it there"
    return unpack_kubectl(tmp_path_factory.mktemp("bin"))


@pytest.fixture(scope="module")
def objects(kubectl):
    """Every object of what is applied, by folder."""
    made = {folder.relative_to(ROOT / "cluster").as_posix(): built(kubectl, folder) for folder in APPLIED}
    assert {name: done.stderr for name, done in made.items() if done.returncode} == {}
    return {name: list(yaml.safe_load_all(done.stdout)) for name, done in made.items()}


def test_everything_is_in_one_namespace_and_one_image(objects):
    made = objects["kuberay"]
    assert {one["metadata"].get("namespace") for one in made if one["kind"] != "Namespace"} == {"fertune"}
    kinds = {one["kind"] for one in made}
    assert {"Namespace", "PersistentVolumeClaim", "NetworkPolicy", "Deployment", "StatefulSet", "RayCluster"} <= kinds
    assert "RayJob" not in kinds
    named = {line.split("image: ")[1] for line in yaml.safe_dump_all(made).splitlines() if "image: " in line}
    (tagged,) = yaml.safe_load((KUBERAY / "ray" / "kustomization.yaml").read_text())["images"]
    assert named == {f"{tagged['newName']}:{tagged['newTag']}", "postgres:17.7-bookworm"}


def test_a_study_has_the_cluster_of_the_pattern_and_goes_on_where_it_was_lost(objects):
    (job,) = objects["kuberay/study"]
    (cluster,) = objects["kuberay/ray"]
    assert job["kind"] == "RayJob"
    spec = job["spec"]
    assert spec["rayClusterSpec"] == cluster["spec"]
    words = spec["entrypoint"].split()
    assert words[:3] == ["python", "tune.py", "run"]
    assert "--resume" in words
    assert spec["backoffLimit"] > 0
    # KubeRay refuses rules beside shutdownAfterJobFinishes, and DeleteWorkers beside an autoscaler.
    assert "shutdownAfterJobFinishes" not in spec
    rules = spec["deletionStrategy"]["deletionRules"]
    after = [(rule["policy"], dict(rule["condition"])) for rule in rules]
    for ended in ({"jobStatus": "SUCCEEDED"}, {"jobDeploymentStatus": "Failed"}):  # Failed: FAILED and STOPPED, or lost
        waits = {policy: condition["ttlSeconds"] for policy, condition in after if ended.items() <= condition.items()}
        assert waits["DeleteCluster"] < waits["DeleteSelf"]
    assert "DeleteWorkers" not in {rule["policy"] for rule in rules}
    assert spec["submitterConfig"] == {"backoffLimit": 0}
    gpu = spec["rayClusterSpec"]["workerGroupSpecs"][0]
    assert (gpu["minReplicas"], gpu["replicas"]) == (0, 0)
    assert gpu["maxReplicas"] > 0


def test_the_tables_of_mlflow_are_brought_up_by_the_image_that_serves_them(objects):
    (job,) = objects["kuberay/upgrade"]
    (server,) = (one for one in objects["kuberay"] if one["kind"] == "Deployment")
    ours, theirs = (one["spec"]["template"]["spec"]["containers"][0]["image"] for one in (job, server))
    assert ours == theirs
    assert job["metadata"]["namespace"] == server["metadata"]["namespace"]


def test_what_is_built_is_accepted(objects):
    for name, made in objects.items():
        for one in made:
            if not schemas.is_kuberay(one):
                assert schemas.core(one) == "", name


def test_what_is_built_of_rays_kinds_is_accepted_and_a_typo_is_not(objects):
    if not schemas.KUBERAY.is_dir():
        pytest.skip(schemas.NO_KUBERAY)
    for made in objects.values():
        for one in made:
            if schemas.is_kuberay(one):
                assert schemas.kuberay(one) == ""
                assert [place for place, changed in typos(one, "kubernetes") if not schemas.kuberay(changed)] == []


@pytest.mark.parametrize("path", found.files("kustomization"), ids=found.place)
def test_a_typo_in_a_kustomization_is_refused(kubectl, path, tmp_path):
    copied = shutil.copytree(KUBERAY, tmp_path / "kuberay")
    assert env_file.main([str(copied / "secrets" / "secrets.env.example")]) == 0
    target = copied / path.relative_to(KUBERAY)
    assert built(kubectl, target.parent).returncode == 0
    document = yaml.safe_load(target.read_text(encoding="utf-8"))
    for key in document:
        if key not in ("kind", "apiVersion"):
            target.write_text(yaml.safe_dump({f"{one}x" if one == key else one: document[one] for one in document}))
            assert built(kubectl, target.parent).returncode != 0, key


def test_secrets_come_from_a_file_that_only_you_have(kubectl, tmp_path):
    copied = shutil.copytree(KUBERAY / "secrets", tmp_path / "secrets", ignore=shutil.ignore_patterns("*.env"))
    assert built(kubectl, copied).returncode != 0
    assert env_file.main([str(copied / "secrets.env.example")]) == 0
    (secret,) = yaml.safe_load_all(built(kubectl, copied).stdout)
    assert secret["metadata"] == {"name": "fertune", "namespace": "fertune"}
    asked = {
        reference["key"]
        for path in found.files("kubernetes")
        for reference in references(found.documents(path))
        if reference["name"] == "fertune"
    }
    assert set(secret["data"]) == asked | {"auth_token"}


def references(node) -> list[dict]:
    """Every reference to a key of a Secret."""
    if isinstance(node, list):
        return [one for item in node for one in references(item)]
    if not isinstance(node, dict):
        return []
    here = [node["secretKeyRef"]] if "secretKeyRef" in node else []
    return here + [one for item in node.values() for one in references(item)]
