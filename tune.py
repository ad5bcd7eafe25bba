"""fertune's command line, and the entrypoint of a Ray job. `python tune.py` alone runs the whole main job."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tuning.text import options

try:
    import typer
except ModuleNotFoundError as missing:
    sys.exit(f"Error: {options.missing_packages(missing)}")

from tuning.text.errors import GOES_ON, RESUMES, Verbose, looking, sentence, sentences

if TYPE_CHECKING:
    from rich.console import Console


# Nothing heavy is imported here: `--help` and `list` answer at once.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="A file of search_spaces/, see `list studies`.")]
DataRoot = Annotated[Path | None, typer.Option(help="The folder of the data set as it lies on disk.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print data for a script: one JSON object a line.")]


@app.callback(invoke_without_command=True)
def main(context: typer.Context, verbose: Verbose = False) -> None:
    """Finds facial-expression models worth deploying: search, ablation and promotion on Ray, Optuna and MLflow.

    Without a command it runs the main job on drawn faces: search, confirm, promote.
    """
    if context.invoked_subcommand is None:
        with sentences(verbose, goes_on=GOES_ON):
            _main_job(verbose)


@app.command()
def run(
    study: StudyName,
    data_root: DataRoot = None,
    num_samples: Annotated[int | None, typer.Option(min=1, help="Search trials in all.")] = None,
    time_budget: Annotated[str | None, typer.Option(help="Start no trial after so long: 90s, 30m, 2h.")] = None,
    max_concurrent: Annotated[int | None, typer.Option(min=1, help="Trials at once.")] = None,
    workers_per_trial: Annotated[int, typer.Option(min=1)] = 1,
    cpus_per_worker: Annotated[int, typer.Option(min=1)] = 1,
    gpus_per_worker: Annotated[float | None, typer.Option(min=0)] = None,
    folds: Annotated[str | None, typer.Option(help="Of an ablation: `all`, or such as 0,1.")] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Of an ablation, for each variant and fold.")] = None,
    table: Annotated[Path | None, typer.Option(help="Of an ablation: write its table (.csv, .md, .tex).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a study that was begun.")] = False,
    extend: Annotated[int | None, typer.Option(min=1, help="So many search trials more.")] = None,
    smoke: Annotated[bool, typer.Option("--smoke", help="The whole way in seconds, to see that it works.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what it will cost, and spend nothing.")] = False,
    sd: Annotated[float | None, typer.Option(help="Of an ablation's --dry-run: the spread in points.")] = None,
    pilot: Annotated[str | None, typer.Option(help="Of an ablation's --dry-run: the study that shows it.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Run, resume or extend a study: a search, or an ablation. Exit code 1 where no trial finished, or none compares."""
    with sentences(verbose, goes_on="" if dry_run else RESUMES):
        options.require_study(study)
        chosen, seconds = options.folds_of(folds), None if time_budget is None else options.seconds_of(time_budget)
        from search_spaces.core.study import load_study
        from tuning.evidence.ablation import NUM_SEEDS, require_new_or_resumed, run_ablation
        from tuning.execution.runner import Placement, Runner
        from tuning.execution.session import default_home
        from tuning.text.endings import end_ablation, end_search

        loaded = load_study(study).smoked() if smoke else load_study(study)
        num_seeds = seeds or (1 if smoke else NUM_SEEDS)
        options.require_fitting(
            loaded,
            num_samples=num_samples,
            extend=extend,
            folds=folds,
            seeds=seeds,
            table=table,
            sd=sd,
            pilot=pilot,
        )
        options.require_spread(sd, pilot, dry_run)
        if table is not None:
            from tuning.text.sheets import require_format

            require_format(table)  # before hours of training, not after
        if dry_run:
            from tuning.plan import dry_run as forecast

            found = forecast(
                loaded,
                default_home(),
                num_samples=num_samples,
                folds=chosen,
                seeds=num_seeds,
                data_root=data_root,
                workers=workers_per_trial,
                sd=None if sd is None else sd / 100,
                pilot=pilot,
            )
            for line in [json.dumps(dataclasses.asdict(found))] if as_json else found.sentences():
                print(line)
            return
        placement = Placement(
            workers=workers_per_trial,
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
            max_concurrent=max_concurrent,
        )
        console, listener = _listener(quiet=as_json)
        runner = Runner(loaded, listener, data_root=data_root, placement=placement, verbose=verbose)
        if loaded.design is None:
            with runner:
                samples = runner.search_size(num_samples, resume=resume, extend=extend)
                runner.search(samples, time_budget_s=seconds)
            if not end_search(runner, console, listener, as_json=as_json):
                raise typer.Exit(1)
        else:
            with runner:
                require_new_or_resumed(runner, resume=resume)
                run_ablation(runner, folds=chosen, seeds=num_seeds, time_budget_s=seconds)
            if not end_ablation(runner, console, listener, table, as_json=as_json):
                raise typer.Exit(1)


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A file of trainables/data/, see `list datasets`.")],
    data_root: Annotated[Path, typer.Option(help="The folder of the data set as it lies on disk.")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Find, crop and cache the faces of a data set; say what was kept, what was dropped and why."""
    with sentences(verbose):
        from tuning.execution.preparation import prepare_dataset
        from tuning.execution.session import default_home

        _, listener = _listener(quiet=as_json)
        prepared = prepare_dataset(dataset, data_root, default_home(), listener)
        if as_json:
            dropped = [{"clip_id": clip.clip_id, "reason": clip.reason} for clip in prepared.dropped]
            found = {"folder": str(prepared.folder), "kept": len(prepared), "dropped": dropped}
            print(json.dumps(found | {"notes": list(prepared.notes), "drawn": prepared.drawn}))
        else:
            listener.say(f"Prepared data: {prepared.folder}")


@app.command()
def status(
    study: Annotated[str | None, typer.Argument(metavar="[STUDY]", help="One study; all of them without.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Trials by state, the front, what was confirmed and promoted."""
    with looking(verbose):
        from tuning.execution.session import default_home, elsewhere
        from tuning.status import known_studies, overview
        from tuning.text.progress import print_overview

        home = default_home()
        console, _ = _listener(quiet=False)
        names = [study] if study else known_studies(home)
        if not names and not as_json:
            print(f"No study was begun under {home}.{elsewhere(home)}")
        for name in names:
            try:
                found = overview(home, name)
            except (ValueError, OSError) as error:  # one that is damaged does not hide the others
                if study:
                    raise
                damage = sentence(error)
                print(json.dumps({"study": name, "damaged": damage}) if as_json else f"{name}: {damage}")
                continue
            print(json.dumps(found)) if as_json else print_overview(found, console)


@app.command()
def stop(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that runs, see `status`.")],
    verbose: Verbose = False,
) -> None:
    """Stop a study that runs, from another shell; its state is saved, and `run STUDY --resume` goes on."""
    with sentences(verbose):
        from tuning.execution.session import default_home
        from tuning.stop import stop as stop_

        print(f"Stopped {study}: {stop_(default_home(), study)} has ended. `run {study} --resume` goes on.")


@app.command()
def logs(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")],
    trial: Annotated[str | None, typer.Argument(metavar="[TRIAL]", help="One trial; all events without.")] = None,
    verbose: Verbose = False,
) -> None:
    """What happened in a study, or the words of one trial: its curve, its metrics, its error."""
    with looking(verbose):
        from tuning.execution.session import default_home
        from tuning.logs import words

        for line in words(default_home(), study, trial):
            print(line)


@app.command()
def doctor(as_json: AsJson = False, verbose: Verbose = False) -> None:
    """What is wrong with this machine or cluster, and the mend."""
    with looking(verbose):
        from tuning.doctor import examine

        findings = examine()
        for finding in findings:
            if as_json:
                print(json.dumps(dataclasses.asdict(finding)))
            else:
                print(f"{'mend' if finding.mend else 'ok':<5} {finding.name}: {finding.found}")
                if finding.mend:
                    print(f"      {finding.mend}")
        if any(finding.mend for finding in findings):
            raise typer.Exit(1)


@app.command()
def report(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study that was begun, see `status`.")],
    out: Annotated[Path | None, typer.Option(help="The file to write; without it, STUDY.html here.")] = None,
    verbose: Verbose = False,
) -> None:
    """Write one HTML file that needs no network: the front, the trials, the evidence, where it all came from."""
    with sentences(verbose):
        from dashboards.core.page import write_report
        from tuning.execution.session import default_home

        print(write_report(default_home(), study, out or Path(f"{study}.html")))


@app.command()
def confirm(
    study: StudyName,
    top: Annotated[int | None, typer.Option(min=1, help="So many members of the front, not three.")] = None,
    trial: Annotated[str | None, typer.Option(help="This search trial instead of the front's members.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Fresh seeds for each.")] = 2,
    nested: Annotated[int | None, typer.Option(min=1, help="Judge the search: so many trials in each fold.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Of --nested: print what it will train.")] = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Train the front's members again with fresh seeds and test them on the locked holdout, or test the search itself."""
    with sentences(verbose, goes_on=GOES_ON):
        options.require_study(study)
        options.require_one_way(nested, top, trial, dry_run)
        from tuning.confirm import TOP
        from tuning.confirm import confirm as confirm_
        from tuning.execution.runner import Runner
        from tuning.text.evidence_tables import print_evidence, print_nested

        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, verbose=verbose, begun=True) as runner:
            known = len(runner.ledger.events)
            if nested:
                from tuning.cross_validate import confirm_nested, planned

                if dry_run:
                    plan = planned(runner, num_samples=nested, seeds=seeds)
                    print(json.dumps(dataclasses.asdict(plan)) if as_json else plan.sentence())
                    return
                judged = confirm_nested(runner, num_samples=nested, seeds=seeds)
            else:
                found = confirm_(runner, top=top or TOP, seeds=seeds, trial_id=trial)
        for event in runner.ledger.events[known:]:
            if event["event"] == "champion_left_out":
                listener.say(f"Confirmed without the present champion: {event['reason']}")
        if nested:
            print_nested(judged, console, as_json=as_json)
        elif not print_evidence(runner.ledger, found, console, as_json=as_json):
            raise typer.Exit(1)


@app.command()
def promote(
    study: StudyName,
    trial: Annotated[str | None, typer.Option(help="This search trial instead of the recommended one.")] = None,
    margin: Annotated[float | None, typer.Option(help="What a cheaper one may lose: 0.02 is two points.")] = None,
    rollback: Annotated[bool, typer.Option("--rollback", help="Restore the champion before this one.")] = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Confirm where evidence is missing, refit, register the model and make it the champion."""
    with sentences(verbose, goes_on=GOES_ON):
        options.require_study(study)
        from tuning.text.endings import promote_and_show, roll_back

        if rollback:
            roll_back(study, as_json=as_json)
            return
        from tuning.execution.runner import Runner

        console, listener = _listener(quiet=as_json)
        with Runner(study, listener, data_root=data_root, verbose=verbose, begun=True) as runner:
            promoted = promote_and_show(runner, trial, margin, console, as_json=as_json)
        if as_json:
            verdict = dataclasses.asdict(promoted.verdict) if promoted.verdict else None
            named = {
                "model": promoted.name,
                "version": promoted.version,
                "uri": promoted.uri,
                "already": promoted.already,
            }
            print(json.dumps(named | {"verdict": verdict, "evidence_sha256": promoted.evidence_sha256}))


@app.command()
def predict(
    paths: Annotated[list[Path], typer.Argument(help="Videos, frame folders, images, or folders of clips.")],
    model: Annotated[str | None, typer.Option(help="models:/NAME@champion; without it the only champion.")] = None,
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Classify clips with a registered model."""
    with sentences(verbose):
        from tuning.execution.session import default_home
        from tuning.records import registry
        from tuning.records.tracking import default_uri
        from tuning.text.progress import prediction_json, prediction_words

        uri = default_uri(default_home())
        chosen = model or registry.only_champion(uri)
        failed = False
        for row in registry.predict(chosen, uri, paths):
            failed = failed or bool(row["error"])
            print(prediction_json(row, chosen) if as_json else prediction_words(row))
        if failed:
            raise typer.Exit(1)


@app.command()
def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    model: Annotated[str | None, typer.Option(help="models:/NAME@champion; without it the only champion.")] = None,
    format: Annotated[str, typer.Option(help="onnx")] = "onnx",
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """Write a registered model to a file for the edge, checked against the model, and measure it."""
    with sentences(verbose):
        from tuning.execution.session import default_home
        from tuning.export import export_model
        from tuning.text.progress import exported_words

        exported = export_model(model, default_home(), out, format)
        print(json.dumps(dataclasses.asdict(exported), default=str) if as_json else exported_words(exported))


@app.command(name="list")
def list_(
    what: Annotated[str, typer.Argument(metavar="{studies,trainables,datasets}")],
    as_json: AsJson = False,
    verbose: Verbose = False,
) -> None:
    """What there is: every file of an extension folder."""
    with looking(verbose):
        from trainables.core.lookup import names, unknown

        packages = {"studies": "search_spaces", "trainables": "trainables", "datasets": "trainables.data"}
        if what not in packages:
            raise ValueError(unknown("list", what, list(packages)))
        for name in names(packages[what]):
            print(json.dumps({"name": name}) if as_json else name)


def _main_job(verbose: bool) -> None:
    from tuning.execution.runner import Runner
    from tuning.text.endings import promote_and_show
    from tuning.text.progress import print_front, say_next

    console, listener = _listener(quiet=False)
    with Runner("demo", listener, verbose=verbose) as runner:
        runner.search(runner.search_size(None, resume=True, extend=None))
        print_front(runner.ledger, runner.study.objectives, console, as_json=False)
        promoted = promote_and_show(runner, None, None, console, as_json=False)
    example = next((runner.home / "drawn" / "demo").glob("*/*"), "CLIP")  # none drawn where it began on other data
    commands = [f"predict {example} --model {promoted.uri}", "report demo"]
    say_next(runner.home, runner.tracker, listener, commands)


def _listener(*, quiet: bool) -> tuple[Console, Any]:
    """A console and a listener on it; with `quiet`, what is said goes to standard error and leaves the data alone."""
    from rich.console import Console

    from tuning.text.progress import TerminalListener

    console = Console(stderr=quiet)
    if not console.is_terminal:
        console = Console(stderr=quiet, width=150)
    return console, TerminalListener(console)


if __name__ == "__main__":
    app()
