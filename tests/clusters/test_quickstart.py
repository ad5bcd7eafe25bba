"""The notebook of the documents, carried out from beginning to end in a folder of its own."""

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

import fertune
from tests.conftest import ROOT
from tests.support.ray_head import WITH_RAY

pytestmark = WITH_RAY


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("notebook")
    shutil.copy(ROOT / "docs" / "quickstart.ipynb", folder)
    notebook = nbformat.read(folder / "quickstart.ipynb", as_version=4)
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in shown if output.output_type == "stream" and output.name == "stdout"]
    assert any("application/vnd.plotly.v1+json" in output.get("data", {}) for output in shown)
    return folder / "quickstart-home"


def test_it_ends_with_a_champion(home):
    snapshot = fertune.load("quickstart", home=home)
    assert list(snapshot.trials["state"].unique()) == ["FINISHED"]
    assert (snapshot.evidence["accuracy_low"] > snapshot.evidence["majority"]).all()
    status = fertune.status("quickstart", home=home)[0]
    assert [promoted["name"] for promoted in status.promoted] == ["quickstart"]
