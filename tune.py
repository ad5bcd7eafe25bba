"""fertune's command line, and the entrypoint of a Ray job. `python tune.py` alone runs the whole main job."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Annotated, Any

from tuning.text import options

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"Error: {options.missing_packages(missing)}")

from tuning.execution.signals import interruptible
from tuning.records.home import default_home
from tuning.text.errors import GOES_ON, RESUMES, STOPPED, Verbose, read_only, reporting_errors

# Nothing heavy is imported here: `--help` and `list` answer at once.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A file of search_spaces/, see `list studies`.")]
Begun = Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")]
DataRoot = Annotated[Path | None, typer.Option(help="The folder of the data set as it lies on disk.")]
Model = Annotated[str | None, typer.Option(help="models:/NAME@champion; default: the only champion.")]
SD = "Ablations with --dry-run: standard deviation of a paired difference, in points of accuracy."
PILOT = "Ablations with --dry-run: the study whose runs show that standard deviation."
AsJson = Annotated[bool, typer.Option("--json", help="Print data for a script: one JSON object a line.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context, verbose: Verbose = False) -> None:
    """Finds facial-expression models worth deploying: search, ablation and promotion on Ray, Optuna and MLflow.

    Without a command it runs the main job on drawn faces: search, confirm, promote.
    """
    if context.invoked_subcommand is None:
        with command(verbose, goes_on=GOES_ON):
            from tuning.demo import demo
            from tuning.text import outcomes

            with outcomes.shown() as shown:
                ended = demo(shown.listener, lambda ran: outcomes.show_front(ran, shown), verbose=verbose)
                outcomes.show_demo(*ended, shown)


@contextlib.contextmanager
def command(verbose: bool, *, goes_on: str = "") -> Generator[None]:
    """A command that works: a signal stops it, and an error ends it in one message."""
    with reporting_errors(verbose, goes_on=goes_on), interruptible():
        yield


@app.command()
def run(
    study: StudyName,
    data_root: DataRoot = None,
    num_samples: Annotated[int | None, typer.Option(min=1, help="Searches only: trials in all.")] = None,
    time_budget: Annotated[str | None, typer.Option(help="Start no trial after this time: 90s, 30m, 2h.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="At most this many trials at once.")] = None,
    workers_per_trial: Annotated[int, typer.Option(min=1, help="Workers that train one trial together (DDP).")] = 1,
    cpus_per_worker: Annotated[int, typer.Option(min=1, help="CPUs of each worker.")] = 1,
    gpus_per_worker: Annotated[
        float | None, typer.Option(min=0, help="GPUs of each: 0.5, 1, 2; default: 1 if there are any.")
    ] = None,
    folds: Annotated[str | None, typer.Option(help="Ablations only: `all`, or numbers such as 0,1.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Ablations only: seeds per variant and fold.")] = None,
    table: Annotated[Path | None, typer.Option(help="Ablations only: write the table (.csv, .md, .tex).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study that was begun.")] = False,
    extend: Annotated[int | None, typer.Option(min=1, help="Searches only: this many more trials.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="Run it all in seconds, to see that it works.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what it will cost; run nothing.")] = False,
    sd: Annotated[float | None, typer.Option(help=SD)] = None,
    pilot: Annotated[str | None, typer.Option(help=PILOT)] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run, resume or extend a study: a search or an ablation.

    Exit code 1: no trial finished, or no variant can be compared.
    """
    with command(verbose, goes_on="" if dry_run else RESUMES):
        loaded = options.load(study, smoke=smoke)
        work: dict[str, Any] = {"data_root": data_root, "num_samples": num_samples, "seeds": seeds}
        options.require_fitting(loaded, **work, extend=extend, folds=folds, table=table, sd=sd, pilot=pilot)
        options.require_spread(sd, pilot, dry_run)
        work["folds"], seconds = options.folds_of(folds), options.seconds_of(time_budget)
        from tuning.text import outcomes, sheets

        if dry_run:
            from tuning.plan import plan

            found = plan(loaded, default_home(), workers=workers_per_trial, extend=extend, sd=sd, pilot=pilot, **work)
            outcomes.show_plan(found, as_json)
            return
        from tuning import run as verb

        if table is not None:
            sheets.require_format(table)  # before hours of training, not after
        per_worker = {"cpus_per_worker": cpus_per_worker, "gpus_per_worker": gpus_per_worker}
        work["placement"] = verb.Placement(workers=workers_per_trial, max_concurrent=max_concurrent, **per_worker)
        work |= {"resume": resume, "extend": extend, "time_budget_s": seconds}
        with outcomes.shown(as_json) as shown:
            if not outcomes.show_run(verb.run(loaded, shown.listener, **work, verbose=verbose), shown, table):
                raise typer.Exit(1)


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A file of trainables/data/, see `list datasets`.")],
    data_root: Annotated[Path, typer.Option(help="The folder of the data set as it lies on disk.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find, crop and cache the faces of a data set; say what was kept, what was dropped and why."""
    with command(verbose):
        from tuning.prepare import prepare as prepare_
        from tuning.text import outcomes

        with outcomes.shown(as_json) as shown:
            outcomes.show_prepared(prepare_(dataset, data_root, default_home(), shown.listener), shown)


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; default: all of them.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Show the trials of a study by state, its front and what was promoted."""
    with read_only(verbose):
        from tuning.status import status as status_
        from tuning.text.tables import show_status

        show_status(default_home(), study, status_, as_json)


@app.command()
def stop(study: Begun, verbose: Verbose = False) -> None:
    """Stop a running study from another shell. Its state is saved; `run STUDY --resume` goes on."""
    with command(verbose):
        from tuning.stop import stop as stop_

        print(f"Stopped {study}: {stop_(default_home(), study)} has ended. {STOPPED}")


@app.command()
def logs(
    study: Begun,
    trial: Annotated[str | None, typer.Argument(metavar="[TRIAL]", help="One trial; default: all events.")] = None,
    verbose: Verbose = False,
) -> None:
    """Show the events of a study, or the curve, metrics and error of one trial."""
    with read_only(verbose):
        from tuning.logs import logs as logs_

        for line in logs_(default_home(), study, trial):
            print(line)


@app.command()
def doctor(as_json: AsJson = False, verbose: Verbose = False) -> None:
    """Check this machine or cluster: what is wrong, and the fix."""
    with read_only(verbose):
        from tuning.doctor import doctor as doctor_
        from tuning.text.tables import show_findings

        if not show_findings(doctor_(), as_json):
            raise typer.Exit(1)


@app.command()
def report(
    study: Begun,
    out: Annotated[Path | None, typer.Option(help="The file to write; default: STUDY.html here.")] = None,
    verbose: Verbose = False,
) -> None:
    """Write one HTML file that needs no network: the front, the trials, the evidence, where it all came from."""
    with command(verbose):
        from dashboards.core.page import write_report

        print(write_report(default_home(), study, out or Path(f"{study}.html")))


@app.command()
def confirm(
    study: StudyName,
    top: Annotated[int | None, typer.Option(min=1, help="Members of the front; default: 3.")] = None,
    trial: Annotated[str | None, typer.Option(help="This search trial instead of the front's members.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds for each configuration.")] = 2,
    nested: Annotated[int | None, typer.Option(min=1, help="Nested cross-validation: trials per fold.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --nested: print what it will train.")] = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Train the front's members again with fresh seeds and test them on the locked holdout.

    With --nested, test the search itself by nested cross-validation.
    """
    with command(verbose, goes_on=GOES_ON):
        options.require_study(study)
        options.require_one_way(nested, top, trial, dry_run)
        from tuning.text import evidence_tables, outcomes

        work: dict[str, Any] = {"seeds": seeds, "data_root": data_root, "verbose": verbose}
        with outcomes.shown(as_json) as shown:
            if nested and dry_run:
                from tuning.cross_validate import plan_cross_validation

                outcomes.show_plan(plan_cross_validation(study, shown.listener, num_samples=nested, **work), as_json)
            elif nested:
                from tuning.cross_validate import cross_validate

                evidence_tables.show_nested(cross_validate(study, shown.listener, num_samples=nested, **work), shown)
            else:
                from tuning.confirm import confirm as confirm_

                found = confirm_(study, shown.listener, top=top, trial_id=trial, **work)
                if not evidence_tables.show_confirmed(found.ledger, found.rows, shown):
                    raise typer.Exit(1)


@app.command()
def promote(
    study: StudyName,
    trial: Annotated[str | None, typer.Option(help="This search trial instead of the recommended one.")] = None,
    margin: Annotated[float | None, typer.Option(help="Accuracy a cheaper one may lose; default: 0.02.")] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the champion before this one.")] = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Confirm where evidence is missing, refit, register the model and make it the champion."""
    with command(verbose, goes_on=GOES_ON):
        options.require_study(study)
        options.require_rollback_alone(rollback, trial=trial, margin=margin, data_root=data_root)
        from tuning import promote as verb
        from tuning.text import outcomes

        with outcomes.shown(as_json) as shown:
            if rollback:
                outcomes.show_rollback(*verb.rollback(default_home(), study), shown)
                return
            work: dict[str, Any] = {"trial_id": trial, "margin": margin, "data_root": data_root, "verbose": verbose}
            outcomes.show_promotion(verb.promote(study, shown.listener, **work), shown)


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(help="Videos, frame folders, images, or folders of clips.")],
    model: Model = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Classify clips with a registered model."""
    with command(verbose):
        from tuning.predict import predict as predict_
        from tuning.text.tables import show_predictions

        if not show_predictions(predict_(default_home(), paths, model), as_json):
            raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    model: Model = None,
    format: Annotated[str, typer.Option(help="The file format: onnx.")] = "onnx",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Export a registered model to ONNX; check it against the model and time it."""
    with command(verbose):
        from tuning.export import export as export_
        from tuning.text.tables import show_exported

        show_exported(export_(model, default_home(), out, format), as_json)


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="{studies,trainables,datasets}", help="What to list.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """List the studies, trainables or data sets: every file of an extension folder."""
    with read_only(verbose):
        from tuning.list import listed

        for name in listed(what):
            print(json.dumps({"name": name}) if as_json else name)


if __name__ == "__main__":
    app()
