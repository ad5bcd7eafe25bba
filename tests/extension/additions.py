"""The rows of README's "Add your own" as examples: what is written where."""

from __future__ import annotations

import dataclasses
from pathlib import Path

EXAMPLES = Path(__file__).parent
CLOSING = {"{": "}", "(": ")", "[": "]"}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Addition:
    """One row: what `kind` of thing, the one `file` of the repository that it is written in, and what tests it.

    `example` is the whole file; with a `line`, it is what stands before `table`, the first line of a table in that file, and
    the line is the table's new entry, its last. `name` is what the thing is called.
    """

    kind: str
    name: str
    file: str
    tested: str
    example: str = ""
    line: str = ""
    table: str = ""

    @property
    def text(self) -> str:
        """The text of the example; empty where the line is all."""
        return (EXAMPLES / self.example).read_text(encoding="utf-8") if self.example else ""

    def write(self, root: Path) -> None:
        """Add it to the copy of the repository at `root`: one file is new, or has become longer."""
        path = root / self.file
        if not self.line:
            assert not path.exists(), path
            path.write_text(self.text, encoding="utf-8")
            return
        before, after = path.read_text(encoding="utf-8").split(f"{self.table}\n")
        entries, end, after = after.partition(f"\n{CLOSING[self.table[-1]]}\n")
        text = f"{self.text}\n\n" if self.text else ""
        path.write_text(f"{before}{text}{self.table}\n{entries}\n    {self.line}{end}{after}", encoding="utf-8")


def _file(kind: str, file: str, tested: str) -> Addition:
    return Addition(kind=kind, name=Path(file).stem, file=file, example=file, tested=tested)


def _gate(kind: str, name: str, example: str, line: str) -> Addition:
    file, table = "trainables/models/attention.py", "GATES: dict[str, Gate] = {"
    example = f"trainables/models/{example}"
    return Addition(kind=kind, name=name, file=file, example=example, line=line, table=table, tested="test_gates.py")


_TOP_2 = """\
Metric(
        name="top_2",
        label="top-2 accuracy",
        direction="max",
        **_PERCENT,
        measured="Share of the phase's clips whose class is among the two likeliest, at the chosen epoch.",
        measure=top_2,
        share_of_clips=True,
    ),"""

_SMILE_FACES = """\
"smile_faces": (
        Source(
            backbones=("resnet18",),
            file="smile_faces_resnet18.safetensors",
            url="https://example.org/smile_faces",
            trained_on="pictures of 400 students of ours, who agreed",
            licence="CC BY 4.0",
            colours=Colours(order="BGR", mean=(91.5, 103.9, 131.1), scale=(1.0, 1.0, 1.0)),
        ),
    ),"""

ADDITIONS = (
    _file("a study", "search_spaces/smiles_gates.py", "test_studies.py"),
    _file("an ablation", "search_spaces/smiles_masking.py", "test_studies.py"),
    _file("a network", "trainables/frame_mean.py", "test_trainables.py"),
    _gate("a channel gate", "style", "channel_gate.py", '"style": Gate(StyleAttention),'),
    _gate("a spatial gate", "spatial_squeeze", "spatial_gate.py", '"spatial_squeeze": Gate(SpatialSqueeze),'),
    _file("a data set", "trainables/data/person_folders.py", "test_datasets.py"),
    _file("a drawn data set", "drawing/layouts/person_folders.py", "test_layouts.py"),
    _file("a cluster recipe", "cluster/ssh_nodes.py", "test_recipes.py"),
    _file("a panel of the report", "dashboards/failures.py", "test_panels.py"),
    Addition(
        kind="an objective",
        name="top_2",
        file="trainables/core/training/metrics.py",
        example="trainables/core/training/top_2.py",
        line=_TOP_2,
        table="METRICS = _by_name(",
        tested="test_metrics.py",
    ),
    Addition(
        kind="a source of weights",
        name="smile_faces",
        file="trainables/models/sources.py",
        line=_SMILE_FACES,
        table="SOURCES: dict[str, tuple[Source, ...]] = {",
        tested="test_weights.py",
    ),
)
