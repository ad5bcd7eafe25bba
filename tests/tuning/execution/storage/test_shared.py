"""A study runs where every machine sees its files, and nowhere else."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from trainables.core import files
from tuning.execution.devices.nodes import Node
from tuning.execution.session import Session
from tuning.execution.storage.probe import Answer, appears, code_here, look
from tuning.execution.storage.shared import node_data, require_shared

HERE, N2, N3 = (Node(num_cpus=2, node_id=name, host=name, ip=f"10.0.0.{name[1]}") for name in ("n1", "n2", "n3"))
SESSION = Session(nodes=(HERE, N2, N3), here="n1")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """The folder of a study and prepared data, as far as they are looked at; nobody waits for what is not there."""
    monkeypatch.setattr(appears, "__defaults__", (0.0,))
    for folder in ("smiles", "prepared"):
        (tmp_path / folder).mkdir()
    (tmp_path / "prepared" / files.INDEX).write_text("{}")
    (tmp_path / "prepared" / files.FRAMES).write_bytes(b"frames")
    return tmp_path


def require(home, ask, session=SESSION):
    told = []
    try:
        require_shared(session, home / "smiles", home / "prepared", told.append, ask=ask)
    finally:
        assert list((home / "smiles").iterdir()) == [], "what was written to look is gone"
    return told


def seeing(nodes, asked):
    """All machines see everything: the answers are those of this one."""
    return [(node, look(asked, node.node_id)) for node in nodes]


def but_n2(*, writes_elsewhere=False, **changes):
    """All machines see everything, but the answer of the second is another."""

    def ask(nodes, asked):
        for node, answer in seeing(nodes, asked):
            if node is N2 and writes_elsewhere:
                Path(asked.folder, files.PROBE.format(token=asked.token, name="n2")).unlink()
            yield node, dataclasses.replace(answer, **(changes if node is N2 else {}))

    return ask


def test_machines_that_are_gone_are_not_asked_though_ray_has_not_missed_them(home, monkeypatch):
    monkeypatch.setattr("trainables.core.ray.slots.is_gone", lambda node: node != "n1")
    monkeypatch.setattr("ray.remote", lambda **_: lambda _: pytest.fail("a machine was asked"))
    assert require(home, None) == []


def test_machines_that_see_all_are_used_without_a_word(home):
    assert require(home, seeing) == []


def test_where_all_workers_are_here_nobody_is_asked(home):
    def ask(nodes, asked):
        raise AssertionError

    head = Node(num_cpus=0, node_id="n9")  # no worker fits on it
    for nodes in ((HERE,), (HERE, head)):
        assert require(home, ask, Session(nodes=nodes, here="n1")) == []


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"sees": False}, r"n2 \(10\.0\.0\.2\) does not see \S+/smiles\. Set \$FERTUNE_HOME to a folder"),
        ({"trouble": "Read-only file system"}, r"cannot write into \S+/smiles \(Read-only file system\)\. Set"),
        ({"writes_elsewhere": True}, r"what n2 \(10\.0\.0\.2\) writes into \S+/smiles does not come here\. Set"),
        ({"has_data": False}, r"n2 \(10\.0\.0\.2\) does not see the prepared faces \S+/prepared, or sees others"),
    ],
)
def test_a_machine_that_does_not_see_the_files_is_named(home, what, words):
    with pytest.raises(
        ValueError, match=f"Study smiles needs its files .* 1 machine of the cluster cannot be .*{words}"
    ):
        require(home, but_n2(**what))


def test_all_that_cannot_be_used_are_named(home):
    def ask(nodes, asked):
        return [(N2, "did not answer within 60 s"), (N3, "cannot run fertune (No module named 'tuning')")]

    words = (
        r"2 machines .*n2 \(10\S+ did not answer within 60 s; n3 \(10\S+ cannot run fertune \(No .*\)\. Mend the Ray"
    )
    with pytest.raises(ValueError, match=words):
        require(home, ask)


def test_other_data_in_the_same_place_are_not_the_data(home):
    def ask(nodes, asked):
        (home / "prepared" / files.INDEX).write_text("{ }")
        return seeing(nodes, asked)

    with pytest.raises(ValueError, match=r"n2 .* does not see the prepared faces .*; n3"):
        require(home, ask)


def test_a_folder_that_nobody_may_write_is_what_the_machine_says(home, monkeypatch):
    def ask(nodes, asked):
        with monkeypatch.context() as patch:
            patch.setattr("tuning.execution.storage.probe.write", refusing)
            return seeing(nodes, asked)

    def refusing(*given):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(ValueError, match=r"n3 \(10\.0\.0\.3\) cannot write into \S+/smiles \(Permission denied\)"):
        require(home, ask)


def test_another_code_is_told(home):
    (words,) = require(home, but_n2(code="0.0.1 abc"))
    assert words.startswith(f"n2 (10.0.0.2): the code is fertune 0.0.1 abc, and {code_here()} on this machine.")


def test_what_a_driver_that_was_killed_left_goes(home):
    (home / "smiles" / files.PROBE.format(token="a", name="n7")).touch()
    assert require(home, seeing) == []


def test_what_comes_late_is_waited_for(tmp_path):
    assert not appears(tmp_path / "late", "token", 0.0)
    (tmp_path / "late").write_text("token")
    assert appears(tmp_path / "late", "token", 0.0)
    assert not appears(tmp_path / "late", "another", 0.0)


def test_data_is_copied_where_there_are_several_machines():
    assert node_data(Session(nodes=(HERE,))) == {}
    assert node_data(SESSION, {}) == {"local_data": "auto"}
    assert node_data(SESSION, {"FERTUNE_LOCAL_DATA": "/scratch"}) == {"local_data": "/scratch"}
    assert node_data(Session(nodes=(HERE,), could_grow=(N2,)), {}) == {"local_data": "auto"}


def test_a_process_with_another_disk_in_the_same_place_does_not_see_it(home):
    """As a machine that mounts something else there."""
    other_disk = f'mount -t tmpfs none "{home / "smiles"}" && exec "$@"'
    rights = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    before = {N2: ["unshare", *rights, "--mount", "sh", "-c", other_disk, "sh"], N3: []}
    code = "import json, sys; from tuning.execution.storage import probe as p; p.appears.__defaults__ = (0.0,); "
    code += "print(json.dumps(vars(p.look(p.Asked(**json.loads(sys.argv[1])), sys.argv[2]))))"

    def ask(nodes, asked):
        for node in nodes:
            command = [*before[node], sys.executable, "-c", code, json.dumps(vars(asked)), node.node_id]
            said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
            yield node, Answer(**json.loads(said.stdout))

    with pytest.raises(ValueError, match=r" 1 machine .*: n2 \(10\.0\.0\.2\) does not see \S+/smiles\. Set"):
        require(home, ask)
