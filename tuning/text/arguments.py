"""Arguments and options of the command line, each with its help. Nothing heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tuning.records.home import version
from tuning.text.errors import Verbose as Verbose

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A file of search_spaces/, see `list studies`.")]
Begun = Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")]
AnyBegun = Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; default: all of them.")]
Everybody = Annotated[
    bool, typer.Option("--all", help="All studies: who runs on the cluster now, and each of this home in a line.")
]
TrialName = Annotated[str | None, typer.Argument(metavar="[TRIAL]", help="One trial; default: all events.")]
Dataset = Annotated[str, typer.Argument(help="A file of trainables/data/, see `list datasets`.")]
Clips = Annotated[list[Path], typer.Argument(help="Videos, frame folders, images, or folders of clips.")]
Kind = Annotated[str, typer.Argument(metavar="{studies,trainables,datasets,models}", help="What to list.")]

DATA_ROOT = "The folder of the data set as it lies on disk."
KeepSpelling = Annotated[
    bool, typer.Option("--keep-spelling", help="Keep several spellings of a name apart: Anna, anna.")
]
ClusterBy = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="Which clips that name nobody belong together: column:NAME, pattern:REGEX (its first group), "
        "pattern-or-alone:REGEX, faces, faces:FILE.",
    ),
]
FaceSize = Annotated[
    int | None,
    typer.Option(
        help="The largest image_size that networks can read of it, 16 to 512 px; default: 128, or the data's own."
    ),
]
Verify = Annotated[bool, typer.Option("--verify", help="Read every byte again: trust no hash that was remembered.")]
Preview = Annotated[
    Path | None, typer.Option(help="Write a picture of the crops to judge them by (.png, .jpg, .jpeg, .webp).")
]
DataRoot = Annotated[Path | None, typer.Option(help=DATA_ROOT)]
RequiredRoot = Annotated[Path, typer.Option("--data-root", help=DATA_ROOT)]
Model = Annotated[str | None, typer.Option(help="models:/NAME@champion; default: the only champion.")]
EveryFace = Annotated[
    bool, typer.Option("--every-face", help="Answer for each person in a clip, and say where that one is.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for a script: one JSON object a line.")]


def _show_version(asked: bool) -> None:
    if asked:
        print(f"fertune {version()}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
]

# Of `run`; the first of whatever runs trials.
Priority = Annotated[
    str | None,
    typer.Option(
        metavar="{low,normal,high}",
        help="The weight of its share of a cluster that others use too: 1, 2 (the default) or 4; not remembered.",
    ),
]
NumSamples = Annotated[int | None, typer.Option(min=1, help="Searches only: trials in all.")]
TimeBudget = Annotated[str | None, typer.Option(help="Start no trial after this time: 90s, 30m, 2h.")]
MaxConcurrent = Annotated[int | None, typer.Option(min=1, help="At most this many trials at once.")]
Workers = Annotated[int, typer.Option(min=1, help="Workers that train one trial together and share its batches (DDP).")]
Cpus = Annotated[int, typer.Option(min=1, help="CPUs of each worker.")]
Gpus = Annotated[float | None, typer.Option(min=0, help="GPUs of each: 0.5, 1, 2; default: 1 if there are any.")]
DeviceKind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="Train on this kind alone: CPU, or a GPU as Ray calls it, such as H100; default: the study's own, else what "
        "most trials fit on.",
    ),
]
Folds = Annotated[str | None, typer.Option(help="Ablations only: `all`, or numbers such as 0,1.")]
AblationSeeds = Annotated[
    int | None, typer.Option("--seeds", min=1, help="Ablations only: seeds per variant and fold.")
]
TableFile = Annotated[Path | None, typer.Option("--table", help="Ablations only: write the table (.csv, .md, .tex).")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with a study that was begun.")]
NewData = Annotated[bool, typer.Option("--new-data", help="Go on with data that have grown or changed since.")]
Extend = Annotated[int | None, typer.Option(min=1, help="Searches only: this many more trials.")]
KeepWeights = Annotated[
    str | None,
    typer.Option(
        metavar="{needed,all}",
        help="Weights kept at a search's end: all, or those that something needs (the default); remembered.",
    ),
]
Prefer = Annotated[
    str | None,
    typer.Option(
        metavar="WORDS",
        help="Which member of the front: knee (the default), accuracy, small, 'param_count<=5e6' or "
        "'accuracy=3,param_count=1'; remembered.",
    ),
]
Searcher = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What proposes trials: optuna:{tpe,nsga2,gp,random} (default: optuna:tpe), ehvi, or any sampler of Optuna's by "
        "its import path, package.module:Class; remembered.",
    ),
]
Smoke = Annotated[
    bool, typer.Option("--smoke", help="Run all of it once, small: a minute or two, to see that it works.")
]
Notify = Annotated[
    str | None,
    typer.Option(
        metavar="CMD",
        help="Run this command when it ends or stalls; FERTUNE_EVENT and FERTUNE_SUMMARY tell what happened.",
    ),
]
NoBaselines = Annotated[bool, typer.Option("--no-baselines", help="Measure no baselines before the first trial.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what it will cost; run nothing.")]
Spread = Annotated[
    float | None,
    typer.Option(
        "--sd", help="Ablations with --dry-run: standard deviation of a paired difference, in points of accuracy."
    ),
]
Pilot = Annotated[
    str | None, typer.Option(help="Ablations with --dry-run: the study whose runs show that standard deviation.")
]

# Of `confirm`, `cross-validate`, `promote`, `report`, `export`, `forget` and `remove`.
Top = Annotated[int | None, typer.Option(min=1, help="Configurations that race; default: 4 at most.")]
ThisTrial = Annotated[str | None, typer.Option("--trial", help="This search trial instead of what the study chose.")]
FreshSeeds = Annotated[
    int, typer.Option("--seeds", min=1, help="Trainings of what is tested, with seeds of their own.")
]
Nested = Annotated[int | None, typer.Option(min=1, help="The same as `cross-validate --num-samples`.")]
PerFold = Annotated[int, typer.Option("--num-samples", min=1, help="Trials of the search in each fold.")]
PlanOnly = Annotated[bool, typer.Option("--dry-run", help="With --nested: print what it will train.")]
NestedPlanOnly = Annotated[bool, typer.Option("--dry-run", help="Print what it will train; train nothing.")]
Margin = Annotated[float | None, typer.Option(help="Accuracy a cheaper one may lose; default: 0.02.")]
RefitSeeds = Annotated[
    int | None,
    typer.Option(min=1, max=100, help="Refit with this many seeds; register one model that averages them; default: 1."),
]
GateSeeds = Annotated[
    int | None,
    typer.Option(min=2, max=150, help="Seeds of challenger and champion in each fold of the gate; default: 2."),
]
Override = Annotated[
    str | None,
    typer.Option(
        metavar="REASON", help="Promote what the gate refuses; the reason and your user name go with the model."
    ),
]
Rollback = Annotated[bool, typer.Option("--rollback", help="Restore the champion before this one.")]
Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="A person's name; of a clip without one, its id.")]
OfDataset = Annotated[str | None, typer.Option("--dataset", help="Of this data set alone; default: of all.")]
ThisSpelling = Annotated[bool, typer.Option("--keep-spelling", help="This spelling alone, where several are people.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
Force = Annotated[bool, typer.Option("--force", help="Also where a registered model came from it; the model stays.")]
ReportFile = Annotated[Path | None, typer.Option("--out", help="The file to write; default: STUDY.html here.")]
ExportFile = Annotated[Path, typer.Option("--out", help="The file to write.")]
Format = Annotated[str, typer.Option("--format", help="The file format: onnx.")]
