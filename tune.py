"""fertune's command line, and the entrypoint of a Ray job. `python tune.py` alone runs the whole main job."""

from __future__ import annotations

import sys
from typing import Any

from tuning.text import options

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"Error: {options.missing_packages(missing)}")

import fertune
from tuning.commands import disposal, submit
from tuning.commands.working import command
from tuning.records.home import default_home
from tuning.text import arguments as arg
from tuning.text.errors import GOES_ON, RESUMES, STOPPED, read_only

# Nothing heavy is imported here: `--help` and `list` answer at once.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def main(context: typer.Context, version: arg.Version = False, verbose: arg.Verbose = False) -> None:
    """Finds facial-expression models worth deploying: search, ablation and promotion on Ray, Optuna and MLflow.

    Without a command it runs the main job on drawn faces: search, confirm, promote.
    """
    if context.invoked_subcommand is None:
        with command(verbose, goes_on=GOES_ON):
            from tuning.text import outcomes

            with outcomes.shown() as shown:
                ended = fertune.demo(
                    lambda ran: outcomes.show_front(ran, shown), progress=shown.listener, verbose=verbose
                )
                outcomes.show_demo(ended.ran, ended.promoted, ended.clip, shown)


@app.command()
def run(
    study: arg.StudyName, data_root: arg.DataRoot = None,
    num_samples: arg.NumSamples = None, time_budget: arg.TimeBudget = None, max_concurrent: arg.MaxConcurrent = None,
    workers_per_trial: arg.Workers = 1, cpus_per_worker: arg.Cpus = 1, gpus_per_worker: arg.Gpus = None,
    device_kind: arg.DeviceKind = None,
    folds: arg.Folds = None, seeds: arg.AblationSeeds = None, table: arg.TableFile = None,
    resume: arg.Resume = False, extend: arg.Extend = None, prefer: arg.Prefer = None, smoke: arg.Smoke = False,
    keep_weights: arg.KeepWeights = None, keep_spelling: arg.KeepSpelling = False, cluster_by: arg.ClusterBy = None,
    new_data: arg.NewData = False, dry_run: arg.DryRun = False, sd: arg.Spread = None, pilot: arg.Pilot = None,
    no_baselines: arg.NoBaselines = False, searcher: arg.Searcher = None,
    priority: arg.Priority = None, notify: arg.Notify = None,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Run, resume or extend a study: a search or an ablation.

    Exit code 1: no trial finished, or no variant can be compared.
    """
    with command(verbose, goes_on="" if dry_run else RESUMES):
        loaded = options.load(study, smoke=smoke)
        work: dict[str, Any] = {"data_root": data_root, "num_samples": num_samples, "seeds": seeds, "extend": extend}
        options.require_spread(sd, pilot, dry_run)
        options.require_compared(loaded, table)
        options.require_preference(prefer)
        work["folds"], seconds = options.folds_of(folds), options.seconds_of(time_budget)
        from tuning.text import outcomes

        work |= {"keep_spelling": keep_spelling, "cluster_by": cluster_by, "new_data": new_data}
        work |= {"keep_weights": keep_weights, "searcher": searcher}
        each: dict[str, Any] = {"cpus_per_worker": cpus_per_worker, "gpus_per_worker": gpus_per_worker}
        each |= {"max_concurrent": max_concurrent, "device_kind": device_kind, "priority": priority or "normal"}
        work["placement"] = fertune.Placement(workers=workers_per_trial, **each)
        if dry_run:
            outcomes.show_plan(fertune.plan(loaded, sd=sd, pilot=pilot, prefer=prefer, **work), as_json)
            return
        with outcomes.shown(as_json) as shown:
            work |= {"prefer": prefer, "resume": resume, "baselines": not no_baselines, "verbose": verbose}
            work["notify"] = notify
            ran = fertune.run(loaded, **work, time_budget_s=seconds, progress=shown.listener)
            if not outcomes.show_run(ran, shown, table):
                raise typer.Exit(1)


@app.command()
def prepare(
    dataset: arg.Dataset, data_root: arg.RequiredRoot, face_size: arg.FaceSize = None, preview: arg.Preview = None,
    keep_spelling: arg.KeepSpelling = False, cluster_by: arg.ClusterBy = None, verify: arg.Verify = False,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Find, crop and cache the faces of a data set; say what was kept, what was dropped and why."""
    with command(verbose):
        from tuning.text import outcomes

        with outcomes.shown(as_json) as shown:
            asked: dict[str, Any] = {"keep_spelling": keep_spelling, "cluster_by": cluster_by, "face_size": face_size}
            asked |= {"verify": verify, "preview": preview, "progress": shown.listener}
            found = fertune.prepare(dataset, data_root, **asked)
            outcomes.show_prepared(found, shown, preview)


@app.command()
def status(
    study: arg.AnyBegun = None, everybody: arg.Everybody = False,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Show the trials of a study by state, its front and what was promoted; with --all who runs on the cluster."""
    with read_only(verbose):
        options.require_all_alone(study, everybody)
        from tuning.text import listing, tables

        if everybody:
            listing.show_overview(default_home(), fertune.overview(), as_json)
        else:
            tables.show_status(default_home(), fertune.status(study), as_json)


@app.command()
def stop(study: arg.Begun, verbose: arg.Verbose = False) -> None:
    """Stop a running study from another shell. Its state is saved; `run STUDY --resume` goes on."""
    with command(verbose):
        print(f"Stopped {study}: {fertune.stop(study)} has ended. {STOPPED}")


app.command(context_settings=submit.SETTINGS)(submit.submit)


@app.command()
def logs(study: arg.Begun, trial: arg.TrialName = None, verbose: arg.Verbose = False) -> None:
    """Show the events of a study, or the curve, metrics and error of one trial."""
    with read_only(verbose):
        for line in fertune.logs(study, trial):
            print(line)


@app.command()
def doctor(as_json: arg.AsJson = False, verbose: arg.Verbose = False) -> None:
    """Check this machine or cluster: what is wrong, and the fix."""
    with read_only(verbose):
        from tuning.text.tables import show_findings

        if not show_findings(fertune.doctor(), as_json):
            raise typer.Exit(1)


@app.command()
def report(study: arg.Begun, out: arg.ReportFile = None, verbose: arg.Verbose = False) -> None:
    """Write one HTML file that needs no network: the front, the trials, the evidence, where it all came from."""
    with command(verbose):
        print(fertune.report(study, out).absolute())


for one in (disposal.remove, disposal.prune, disposal.forget):
    app.command()(one)


@app.command()
def confirm(
    study: arg.StudyName, top: arg.Top = None, trial: arg.ThisTrial = None, seeds: arg.FreshSeeds = 2,
    nested: arg.Nested = None, dry_run: arg.PlanOnly = False, data_root: arg.DataRoot = None, prefer: arg.Prefer = None,
    priority: arg.Priority = None, notify: arg.Notify = None, as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Race a search's likely choices by cross-validation, and test the winner on the locked holdout."""
    with command(verbose, goes_on=GOES_ON):
        options.require_study(study)
        options.require_one_way(nested, top, trial, dry_run, prefer)
        if nested:
            cross_validate(study, nested, seeds, dry_run, data_root, priority, notify, as_json, verbose)
            return
        from tuning.text import evidence_tables, outcomes

        work: dict[str, Any] = {"seeds": seeds, "data_root": data_root, "notify": notify, "verbose": verbose}
        work |= {"priority": priority or "normal"}
        with outcomes.shown(as_json) as shown:
            found = fertune.confirm(study, top=top, trial_id=trial, prefer=prefer, progress=shown.listener, **work)
            if not evidence_tables.show_confirmed(found.ledger, found.rows, found.race, shown):
                raise typer.Exit(1)


@app.command()
def cross_validate(
    study: arg.StudyName, num_samples: arg.PerFold, seeds: arg.FreshSeeds = 2, dry_run: arg.NestedPlanOnly = False,
    data_root: arg.DataRoot = None, priority: arg.Priority = None, notify: arg.Notify = None,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Test the search itself by nested cross-validation: a search in each fold, tested on people that it never saw."""
    with command(verbose, goes_on=GOES_ON):
        options.require_study(study)
        from tuning.text import evidence_tables, outcomes

        work: dict[str, Any] = {"num_samples": num_samples, "seeds": seeds, "data_root": data_root, "verbose": verbose}
        with outcomes.shown(as_json) as shown:
            if dry_run:
                outcomes.show_plan(fertune.plan_cross_validation(study, progress=shown.listener, **work), as_json)
            else:
                work |= {"priority": priority or "normal", "notify": notify, "progress": shown.listener}
                evidence_tables.show_nested(fertune.cross_validate(study, **work), shown)


@app.command()
def promote(
    study: arg.StudyName, trial: arg.ThisTrial = None, margin: arg.Margin = None, prefer: arg.Prefer = None,
    refit_seeds: arg.RefitSeeds = None, gate_seeds: arg.GateSeeds = None, override: arg.Override = None,
    rollback: arg.Rollback = False, data_root: arg.DataRoot = None, priority: arg.Priority = None,
    notify: arg.Notify = None,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Confirm where evidence is missing, refit, register the model and make it the champion."""
    with command(verbose, goes_on=GOES_ON):
        options.require_study(study)
        asked: dict[str, Any] = {"trial": trial, "margin": margin, "prefer": prefer, "data_root": data_root}
        asked |= {"refit_seeds": refit_seeds, "gate_seeds": gate_seeds, "override": override}
        asked |= {"priority": priority, "notify": notify}
        work = options.promotion_of(rollback, **asked)
        from tuning.text import outcomes

        if rollback:
            outcomes.show_rollback(fertune.rollback(study), as_json)
            return
        with outcomes.shown(as_json) as shown:
            outcomes.show_promotion(fertune.promote(study, verbose=verbose, progress=shown.listener, **work), shown)


@app.command()
def predict(
    paths: arg.Clips, model: arg.Model = None, every_face: arg.EveryFace = False,
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Classify clips with a registered model."""
    with command(verbose):
        from tuning.text import outcomes, tables

        with outcomes.shown(as_json=True) as shown:  # standard output holds the answers alone
            answers = fertune.predict(paths, model=model, every_face=every_face, progress=shown.listener)
            if not tables.show_predictions(answers, as_json, with_box=every_face):
                raise typer.Exit(1)


@app.command()
def export(
    out: arg.ExportFile, model: arg.Model = None, format: arg.Format = "onnx",
    as_json: arg.AsJson = False, verbose: arg.Verbose = False,
) -> None:  # fmt: skip
    """Export a registered model to ONNX; check it against the model and time it."""
    with command(verbose):
        from tuning.text.tables import show_exported

        show_exported(fertune.export(out, model=model, format=format), as_json)


@app.command(name="list")
def list_(what: arg.Kind, as_json: arg.AsJson = False, verbose: arg.Verbose = False) -> None:
    """List the studies, trainables or data sets: every file of an extension folder; or the registered models."""
    with read_only(verbose):
        from tuning.text.listing import show_listed

        show_listed(what, fertune.models() if what == "models" else fertune.list(what), as_json)


if __name__ == "__main__":
    app()
