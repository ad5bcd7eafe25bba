"""Prometheus belongs to the service where it is installed: on loopback, started last, stopped first, and nobody's else."""

import dataclasses
import os
import socket

import pytest
import yaml

from cluster.core.ports import free_ports
from cluster.local import metrics, parts, processes, service
from cluster.local.asking import HOST
from cluster.local.parts import Part
from cluster.local.record import Ports, load


@pytest.fixture
def stand_ins(tmp_path, monkeypatch):
    """A service whose servers are `sleep`, which answer at once; gives `up()`."""
    installed = {"program": "/usr/bin/prometheus"}

    def part(name: str, ports: Ports) -> Part:
        return Part(
            name=name,
            title=name.title(),
            url="http://127.0.0.1:1",
            ports={f"--{name}-port": getattr(ports, name)},
            command=("sleep", "600"),
            environment=dict(os.environ),
            log=tmp_path / f"{name}.log",
            is_healthy=lambda: True,
        )

    monkeypatch.setattr(metrics, "program", lambda: installed["program"])
    monkeypatch.setattr(metrics, "prometheus_server", lambda folder, ports: part("prometheus", ports))
    monkeypatch.setattr(parts, "mlflow_server", lambda folder, record, ports: part("mlflow", ports))
    monkeypatch.setattr(parts, "ray_head", lambda folder, record, ports, *_, **__: part("ray", ports))

    def up(**wanted: int) -> service.Service:
        ray, mlflow = free_ports(2)
        return service.up(tmp_path, lambda text: None, wanted={"ray": ray, "mlflow": mlflow} | wanted)

    yield installed, up
    service.down(tmp_path, lambda text: None)


def test_it_comes_and_goes_with_the_service(tmp_path, stand_ins):
    _, up = stand_ins
    (port,) = free_ports(1)
    found = up(prometheus=port)
    assert found.healthy == {"mlflow": True, "ray": True, "prometheus": True}
    assert found.prometheus_url == f"http://{HOST}:{port}"
    family = found.running.families["prometheus"]
    assert processes.is_alive(family.leader)
    assert service.status(tmp_path).healthy["prometheus"]
    said = []
    assert service.down(tmp_path, said.append)
    assert said == ["Prometheus is stopped.", "Ray is stopped.", "Mlflow is stopped."]
    assert not processes.members(family)


def test_without_it_there_are_two_servers(stand_ins):
    installed, up = stand_ins
    installed["program"] = None
    assert up().healthy.keys() == {"mlflow", "ray"}


def test_a_service_of_before_it_was_installed_gets_it_and_one_of_after_loses_it(tmp_path, stand_ins):
    installed, up = stand_ins
    installed["program"] = None
    ports = up().running.ports
    installed["program"] = "/usr/bin/prometheus"
    again = service.up(tmp_path, lambda text: None)
    assert again.healthy.keys() == {"mlflow", "ray", "prometheus"}
    assert dataclasses.replace(again.running.ports, prometheus=ports.prometheus) == ports
    family = again.running.families["prometheus"]
    installed["program"] = None
    assert service.up(tmp_path, lambda text: None).healthy.keys() == {"mlflow", "ray"}
    assert not processes.members(family)
    assert load(tmp_path / "service").running.families.keys() == {"mlflow", "ray"}


def test_one_that_is_installed_later_has_the_port_that_is_free_then_or_that_is_wanted(tmp_path, stand_ins):
    """Debian's own starts when it is installed, and takes the port that the service had in mind."""
    installed, up = stand_ins
    installed["program"] = None
    planned, wanted = free_ports(2)
    before = up(prometheus=planned).running.ports
    installed["program"] = "/usr/bin/prometheus"
    with socket.socket() as other:
        other.bind((HOST, planned))
        other.listen()
        found = service.up(tmp_path, lambda text: None).running
        assert found.ports.prometheus != planned
        assert dataclasses.replace(found.ports, prometheus=planned) == before
    processes.stop(found.families["prometheus"])
    again = service.up(tmp_path, lambda text: None, wanted={"prometheus": wanted}).running
    assert again.ports.prometheus == wanted
    with pytest.raises(processes.ServiceError, match=f"up with --prometheus-port {wanted}, not {planned}"):
        service.up(tmp_path, lambda text: None, wanted={"prometheus": planned})


def test_no_port_is_looked_for_where_it_is_not_installed(monkeypatch, stand_ins):
    installed, up = stand_ins
    installed["program"] = None
    monkeypatch.setattr(metrics, "free_port", lambda *_: pytest.fail("nothing needs a port"))
    assert up().running.ports.prometheus == Ports.prometheus


def test_a_port_that_another_prometheus_has_is_passed_by():
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        found = metrics.free_port(taken)
        assert found not in (taken, 0)
    assert metrics.free_port(found) == found


def test_it_listens_on_loopback_and_asks_whom_ray_names(tmp_path):
    folder = tmp_path / "a folder's: {name}"
    folder.mkdir()
    metrics.write_settings(folder, folder / "ray")
    (asked,) = yaml.safe_load((folder / metrics.SETTINGS).read_text())["scrape_configs"]
    looked = {"files": [str(folder / "ray" / metrics.DISCOVERY)], "refresh_interval": "15s"}
    assert asked["file_sd_configs"] == [looked]
    found = metrics.prometheus_server(folder, Ports(prometheus=19_090))
    assert "--web.listen-address=127.0.0.1:19090" in found.command
    assert found.ports == {"--prometheus-port": 19_090}
