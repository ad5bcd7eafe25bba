"""What recipes apply to Kubernetes opens no door, holds no secret, and fits together."""

import re

import pytest

from tests.support.recipes import found, schemas
from tests.support.recipes.objects import NOT_SECRET, OBJECTS, SECRET, containers, labels, pods, ray_specs, walk


def maker_of_folders() -> list[dict]:
    """The one pod that is root: it sees the volume, and no secret, and gives its folders to the user of all others."""
    (pod,) = [pod for document in OBJECTS if document[1]["metadata"]["name"] == "folders" for pod in pods(document[1])]
    (container,) = pod["containers"]
    assert container["command"][:3] == ["install", "--directory", "--owner=1000"]
    assert [volume["persistentVolumeClaim"] for volume in pod["volumes"]] == [{"claimName": "fertune"}]
    assert "env" not in container
    return [pod]


def test_kubernetes_exposes_nothing_and_asks_for_rays_token():
    for path, document in OBJECTS:
        if document["kind"] == "Service":
            assert document["spec"].get("type", "ClusterIP") == "ClusterIP", path
        assert document["kind"] not in ("Ingress", "Secret"), path
    for pod in pods([document for _, document in OBJECTS]):
        assert not pod.get("hostNetwork")
        assert not [port for one in pod["containers"] for port in one.get("ports", []) if "hostPort" in port]
        assert pod["securityContext"].get("runAsNonRoot") or pod in maker_of_folders()
    for spec in ray_specs():
        assert spec["authOptions"] == {"mode": "token", "secretName": "fertune"}
        assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"
        assert not spec["headGroupSpec"].get("enableIngress")


def test_kubernetes_denies_all_and_opens_what_is_named():
    policies = {
        document["metadata"]["name"]: document["spec"] for _, document in OBJECTS if document["kind"] == "NetworkPolicy"
    }
    assert policies.pop("deny-all") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    roles = {
        value
        for _, document in OBJECTS
        for value in re.findall(r"'fertune-role': '(\w+)'", str(document))
        if document["kind"] != "NetworkPolicy"
    }
    for name, policy in policies.items():
        for rule in policy.get("ingress", []):
            assert rule["from"], f"{name} lets everybody in"
            for source in rule["from"]:
                assert source["podSelector" if "podSelector" in source else "namespaceSelector"], name
        for rule in policy.get("egress", []):
            assert rule["to"], f"{name} lets out to everywhere"
            for target in rule["to"]:
                assert (
                    target["podSelector" if "podSelector" in target else "namespaceSelector"]
                    if "ipBlock" not in target
                    else (target["ipBlock"]["cidr"].endswith("/32"))
                ), name
        named = set(re.findall(r"'fertune-role': '(\w+)'", str(policy)))
        assert named <= roles, f"{name} opens for a role that no pod has"


def test_what_selects_pods_finds_some_and_no_label_is_there_for_nobody():
    asked = [
        node[key].get("matchLabels", {} if key == "podSelector" else node[key])
        for _, document in OBJECTS
        for node in walk(document)
        for key in ("podSelector", "selector")
        if key in node
    ]
    assert [one for one in asked if one and not any(one.items() <= pod.items() for pod in labels())] == []
    used = {item for one in asked for item in one.items()} | {("fertune-node", "worker")}
    assert [pod for pod in labels() if not pod.items() <= used] == []
    (space,) = (document for _, document in OBJECTS if document["kind"] == "Namespace")
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    others = [
        node["namespaceSelector"]["matchLabels"]
        for _, one in OBJECTS
        for node in walk(one)
        if "namespaceSelector" in node
    ]
    assert {key for one in others for key in one} == {"kubernetes.io/metadata.name"}


def test_what_begins_mlflow_anew_may_reach_its_database():
    (job,) = (one for path, one in OBJECTS if path.parent.name == "upgrade")
    (server,) = (one for _, one in OBJECTS if one["kind"] == "Deployment")
    assert job["spec"]["template"]["metadata"]["labels"] == server["spec"]["template"]["metadata"]["labels"]
    words = job["spec"]["template"]["spec"]["containers"][0]["command"]
    (store,) = (word for word in server["spec"]["template"]["spec"]["containers"][0]["args"] if "backend-store" in word)
    assert words[:3] == ["mlflow", "db", "upgrade"]
    assert store.endswith(f"={words[3]}")


def test_both_ways_to_begin_a_study_have_names_of_their_own():
    for readme in found.files("readme"):
        jobs = [
            one
            for path in found.files("kubernetes", readme.parent)
            for one in found.documents(path)
            if one["kind"] == "RayJob"
        ]
        begun = {job["spec"]["entrypoint"].split()[3] for job in jobs}
        submitted = set(re.findall(r"tune\.py submit (\w+)", readme.read_text(encoding="utf-8")))
        assert not begun & submitted, readme


def test_a_typo_in_what_ray_is_started_with_is_refused():
    given = [node["rayStartParams"] for _, document in OBJECTS for node in walk(document) if "rayStartParams" in node]
    assert given
    for parameters in given:
        assert schemas.ray_start(parameters) == ""
        for name, value in parameters.items():
            assert f"{name}x" in schemas.ray_start({f"{name}x": value})


@pytest.mark.parametrize(("path", "document"), OBJECTS, ids=str)
def test_a_container_asks_for_what_it_may_use(path, document):
    limited = [one["resources"] for one in containers(document)]
    limited += [
        spec["autoscalerOptions"]["resources"] for spec in [document.get("spec", {})] if "autoscalerOptions" in spec
    ]
    assert [one for one in limited if one["requests"] != one["limits"]] == []
    for one in containers(document):
        assert one["securityContext"]["allowPrivilegeEscalation"] is False
        assert one["securityContext"]["capabilities"]["drop"] == ["ALL"]
        assert "add" not in one["securityContext"]["capabilities"] or one in maker_of_folders()[0]["containers"]


def test_kubernetes_takes_secrets_by_reference():
    for _, document in OBJECTS:
        for one in containers(document):
            for variable in one.get("env", []):
                if SECRET.search(variable["name"]) and not NOT_SECRET.search(variable["name"]):
                    assert "secretKeyRef" in variable.get("valueFrom", {}), variable["name"]
